-----BEGIN PGP SIGNATURE-----

regsnap demo: not a signature
-----END PGP SIGNATURE-----
