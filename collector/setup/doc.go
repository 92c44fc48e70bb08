// Package setup makes a machine a collector, in one step that can be done again:
// settings in collector.yaml, the addresses of the sockets in drop-ins of systemd's,
// units enabled and started.
//
// What it is not told stays as it is. It starts nothing when something it was told
// is wrong, and restarts only when something changed.
package setup
