package replay

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seawall/agent/detect/rules"
	"seawall/pkg/hostfs"
	"seawall/pkg/sigma"
)

// notRun are public rules, by their file, whose behaviour is not in public.gz, and why.
// They load; that they would fire is shown by an event of their own words.
var notRun = map[string]struct {
	why   string
	event map[string][]string
}{
	"net_connection_lnx_crypto_mining_indicators": {"the kernel connects to addresses: no DestinationHostname", map[string][]string{"DestinationHostname": {"pool.minexmr.com"}}},
	"net_connection_lnx_domain_localtonet_tunnel": {"the kernel connects to addresses: no DestinationHostname", map[string][]string{"DestinationHostname": {"x.localto.net"}, "Initiated": {"true"}}},
	"net_connection_lnx_ngrok_tunnel":             {"the kernel connects to addresses: no DestinationHostname", map[string][]string{"DestinationHostname": {"tunnel.us.ngrok.com"}}},
}

// TestPublic: SigmaHQ's files in the directory SEAWALL_SIGMA, which are not ours to
// bring along, load unchanged, and fire on what they are about, as it was really run:
//
//	SEAWALL_SIGMA=DIR go test ./agent/replay -run Public -v
func TestPublic(t *testing.T) {
	dir := os.Getenv("SEAWALL_SIGMA")
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules in %s: %v", dir, err)
	}
	packed, err := os.ReadFile("../detect/rules/testdata/public.gz")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ParseCaptures(packed)
	if err != nil {
		t.Fatal(err)
	}
	var list []sigma.Rule
	for _, file := range files {
		got, err := rules.Read(hostfs.Root{}, file)
		if err != nil || len(got) == 0 {
			t.Errorf("%s: %d rules, %v", file, len(got), err)
		}
		list = append(list, got...)
	}
	if len(list) != len(files) {
		t.Fatalf("%d rules in %d files", len(list), len(files))
	}
	d := detector(t, list)
	fired, ofWords := 0, 0
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		e, how := Example{Capture: name}, "run"
		if log, err := os.ReadFile("testdata/" + name + ".log"); err == nil { // in the machine of scripts/benign
			e = Example{Log: string(log)}
		}
		if n, ok := notRun[name]; ok {
			e, how = Example{Event: n.event}, "not run: "+n.why
			ofWords++
		}
		matched, err := Try(d, i, &e, all)
		if err != nil || !slices.Contains(matched, i) {
			t.Errorf("%s: does not fire: %v", name, err)
			continue
		}
		if how == "run" {
			fired++
		}
		t.Logf("%s: fires, %s", name, how)
	}
	t.Logf("%d files load, %d fire on what was run, %d on an event of their words alone", len(files), fired, ofWords)
}

// TestPublicCaptures: there is something in each.
func TestPublicCaptures(t *testing.T) {
	packed, err := os.ReadFile("../detect/rules/testdata/public.gz")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ParseCaptures(packed)
	if err != nil || len(all) < 50 {
		t.Fatalf("%d captures, %v", len(all), err)
	}
	d := detector(t, own(t))
	for name, records := range all {
		if r, err := runCapture(records, d, nil); err != nil || r.Audit.Events == 0 || r.Lines > 0 {
			t.Errorf("%s: %v, %d lines are no records", name, err, r.Lines)
		}
	}
}
