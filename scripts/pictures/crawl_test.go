package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestName(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	got := map[string]string{}
	for _, path := range []string{"/", "/?from=3", "/hosts", "/hosts/new", "/hosts/" + id, "/hosts/" + id + "/detections/" + id, "/checks/ssh-port", "/waivers/12", "/waivers/new"} {
		got[path] = name(kind(path))
	}
	want := map[string]string{
		"/": "overview", "/?from=3": "overview", "/hosts": "hosts", "/hosts/new": "hosts-new", "/hosts/" + id: "hosts-one",
		"/hosts/" + id + "/detections/" + id: "hosts-one-detections-one", "/checks/ssh-port": "checks-one", "/waivers/12": "waivers-one", "/waivers/new": "waivers-new",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
