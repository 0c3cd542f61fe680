"""The slides: what each one says, and the library that turns them."""
