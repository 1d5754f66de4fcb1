"""Where runs are computed: in this process, on a local worker, or on a dask cluster elsewhere."""
