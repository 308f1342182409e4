"""Jobs that come with the lab: ``python -m stage6_compute.mapreduce --help`` names them."""
