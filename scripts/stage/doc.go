// Package stage is what tests of the whole stand on: a mount namespace of their
// own, the three programs as they are shipped, processes that end with their test,
// and the kernel's audit system, which is left as it was found.
package stage
