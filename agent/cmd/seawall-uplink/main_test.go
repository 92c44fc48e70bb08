package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"seawall/agent/spool"
	"seawall/pkg/token"
	"seawall/pkg/trust"
)

// TestMain makes the program a command of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seawall-uplink": func() {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			os.Exit(newProgram().main(ctx, os.Args[1:]))
		},
		"mkspool": func() { // DIR LANE PAYLOAD...
			s, err := spool.Open(os.Args[1], spool.Config{})
			for _, payload := range os.Args[3:] {
				if err == nil {
					_, err = s.AppendSync(os.Args[2], []byte(payload))
				}
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			s.Close()
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOKEN", token.New(trust.Pin{1}).Text())
			return nil
		},
	})
}

// FuzzConfig reads any file as configuration: it is whole or refused.
func FuzzConfig(f *testing.F) {
	for _, seed := range configSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "uplink.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := load(sources{file: file})
		if err == nil && (!filepath.IsAbs(c.tokenFile) || checkAddress(c.collector) != nil || !filepath.IsAbs(c.spool) || !filepath.IsAbs(c.stateDir)) {
			t.Errorf("taken: %+v", c)
		}
	})
}

func configSeeds() []string {
	return []string{
		"collector: c.example.net:9443\nkeep_token: true\nmax_backoff: 5s\nlog_level: debug\n",
		"collector: [a]\ntoken_file: {}\n",
		"collector: c:1\nkeep_token: maybe\n",
		"a: &a [*a]\n",
		"---\n---\n",
		"\x00",
		"spool: ''\n",
	}
}

func TestConfigSeeds(t *testing.T) {
	for i, seed := range configSeeds() {
		file := filepath.Join(t.TempDir(), "uplink.yaml")
		if err := os.WriteFile(file, []byte(seed), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(sources{file: file}); (err == nil) != (i == 0) {
			t.Errorf("seed %d: %v", i, err)
		}
	}
}

// TestPrecedence checks that flags win over the environment, that over the file,
// and that over the defaults.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uplink.yaml")
	if err := os.WriteFile(file, []byte(configSeeds()[0]+"spool: /file\nstate_dir: /file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(sources{
		file:    file,
		environ: []string{"SEAWALL_UPLINK_SPOOL=/env", "SEAWALL_UPLINK_STATE_DIR=/env", "SEAWALL_UPLINK_COLLECTOR=env:1"},
		flags:   map[string]string{"spool": "/flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.spool, c.stateDir, c.tokenFile, c.collector, c.maxBackoff, c.logLevel)
	if want := "/flag/env/env/tokenenv:15sDEBUG"; strings.ReplaceAll(got, " ", "") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
