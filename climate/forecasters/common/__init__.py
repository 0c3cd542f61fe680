"""What forecasters of several kinds share: the protocol, the frame of predictors, structural models."""
