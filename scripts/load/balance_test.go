package main

import (
	"context"
	"testing"
	"time"

	"seawall/scripts/load/collector"
	"seawall/scripts/pgtest"
)

// TestBalance: a collector that was away gets its part of the hosts again while none fails,
// since streams begin anew at an age, and everything is there once.
func TestBalance(t *testing.T) {
	const hosts = 90
	if err := collector.Files(8*hosts + 2000); err != nil {
		t.Fatal(err)
	}
	server := pgtest.Start(t)
	server.Execute("postgres", "CREATE DATABASE seawall")
	f, two := twoCollectors(t, hosts, server.URL("seawall"), "--stream-age", "4s")
	if err := f.ready(t.Context(), testWriter{t}); err != nil {
		t.Fatal(err)
	}
	making, stop := context.WithCancel(t.Context())
	made := make(chan struct{})
	go func() {
		defer close(made)
		find(making, f.hosts, 100)
	}()
	if err := f.collector.End(sigkill); err != nil {
		t.Fatal(err)
	}
	await := func(what string, is func(shares []int) bool) {
		t.Helper()
		if err := f.await(t.Context(), what, time.Minute, func() bool { return is(two.open()) }); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v", what, two.open())
	}
	await("all are at the one that is left", func(shares []int) bool { return shares[0] == 0 && shares[1] > hosts*2/3 })
	if err := f.collector.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await("they are spread over both", func(shares []int) bool { return shares[0] > hosts/3 && shares[1] > hosts/3 })
	stop()
	<-made
	if err := f.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := f.verify(t.Context(), true); err != nil {
		t.Fatal(err)
	} else {
		t.Logf("%d findings, each once; ended: %s", n, told(f.tally.Ends()))
	}
	f.rest()
}
