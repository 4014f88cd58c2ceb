module tongzhou.example/interop/age

go 1.24.0

require (
	c2sp.org/CCTV/age v0.0.0-20251208015420-e9274a7bdbfd
	filippo.io/age v1.2.1
)

require (
	golang.org/x/crypto v0.32.0 // indirect
	golang.org/x/sys v0.29.0 // indirect
)
