// Package history reads the spool for people: what the sensor wrote, what it writes
// now, and from its last heartbeat how it does. It reads as the uplink does,
// without taking a lock or changing anything. The command spool is here.
package history
