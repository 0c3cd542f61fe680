"""Stage `planet`: every cell of the reference grid, forecast and scored; the estimations serve regions and panels too.

Writes `build/planet/scores.nc` and `build/planet/estimations/<month>.npz`. Without the sources, both hold the reason
alone (`skipped`).

`scores.nc` has the dimensions `forecaster`; `cell` (coordinates `lat`, `lon` of its centre in degrees, and `area`, the
cosine of its latitude); `block` of leads, named as in `score.blocks`; `start`, the calendar month of the origin (1-12);
`origin` (datetime64[s]); `lead` (months); `zone`; `quantile`. All scores are means over pairs of origin and lead whose
month is observed, in K (squares in K2) unless said otherwise, float32:

- `crps`, `covered90` (forecaster, cell, block, start): CRPS by quantiles, and the share inside the 90% interval (1).
- `pairs` (block, start): number of such pairs, the same for all cells and forecasters.
- `forecast_mean`, `forecast_square`, `product` (forecaster, cell, block, start), `observed_mean`, `observed_square`
  (cell, block, start): means of f, f2, f o, o and o2, where f is the forecast's median and o the observation, both less
  the median of `climatology-trend`. The mean squared error is f2 - 2 f o + o2, that of the reference is o2; correlation,
  amplitude and bias of Murphy (1988) follow from these means.
- `crps_by_origin` (forecaster, block, origin, cell): mean over the block's leads; NaN at origins from which the block is
  not forecast (leads beyond `planet.short_leads` at every `planet.long_every`-th origin only) or not wholly observed.
- `zone_crps` (forecaster, zone, start, lead): area-weighted mean of `planet`, `tropics` (up to 23.5 degrees),
  `north` and `south` of them; NaN where no pair is observed.
- `issued` (forecaster, quantile, lead, cell): the forecast from the record's last month.
"""
