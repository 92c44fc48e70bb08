// Load puts a simulated fleet on the real collector and prints what that costs.
//
//	go run ./scripts/load [flags] all|SCENARIO…
//
// The collector is the program as it is shipped, with its SQLite store on this
// machine's disk, or with -store on PostgreSQL, where a scenario must not look into the
// file itself (enrol, idle, rate, live); the hosts (package host) speak to it over mutual TLS on loopback,
// each from an address of its own. Both share this machine's processors: a collector
// with two of its own does better.
//
// Scenarios:
//
//	enrol    all hosts that are not enrolled, at once, by one token
//	idle     the collector's memory while all streams rest
//	rate     findings committed per second, in closed loop
//	live     time from a finding to an open page, under a rate of others
//	restart  SIGTERM, then SIGKILL, while hosts find things: who is back when
//	stall    the store takes nothing for minutes, every host pushes: memory
//
// Scripts/fleet fills a -folder with a large fleet's past, with which live has more to
// do.
//
// Each that stores anything ends with a look into the database: every finding that
// was acknowledged is there, each once, and nothing is noted as missing. The fleet
// stays in -folder, so that the next run need not enrol it again.
package main
