package indextest

// Signature is an OpenPGP signature in text form, of nothing in particular.
const Signature = `-----BEGIN PGP SIGNATURE-----

wnUEABYKACcFgmWSAIAJEAwXNu2LbcJLFiEEFVDUgi66Y/+RdsgJDBc27YttwksA
AIqSAP9B+A6AcMMtFkRqNgzC+SBwxvH1RxcK5cMF/TD/t3B7mgD+Ncb+VDMYIFse
yYseCaWdOMJdKet9UYE5FBPE5KWo8AM=
=3DFT
-----END PGP SIGNATURE-----
`
