package system

import (
	"context"
	"strings"
	"testing"

	"seawall/agent/facts/fact"
)

const focal = "ID=ubuntu\nVERSION_ID=20.04\nVERSION_CODENAME=focal\nPRETTY_NAME=\"Ubuntu 20.04.6 LTS\"\n"

func attached(status, expires string) string {
	return `{"_schema_version":"0.1","attached":true,"expires":"` + expires + `","services":[{"name":"esm-apps","status":"enabled"},{"name":"esm-infra","status":"` + status + `","entitled":"yes"}]}`
}

// TestESM: the extended support of Ubuntu counts where the host is attached to a
// subscription that lasts, and nowhere else.
func TestESM(t *testing.T) {
	for name, tt := range map[string]struct {
		files  map[string]string
		want   fact.Tri
		reason string
	}{
		"attached":     {map[string]string{proStatus: attached("enabled", "2027-05-01T00:00:00+00:00")}, fact.Tri{Known: true, Yes: true}, "esm-infra is enabled"},
		"disabled":     {map[string]string{proStatus: attached("disabled", "2027-05-01T00:00:00+00:00")}, fact.Tri{Known: true}, "esm-infra is disabled"},
		"expired":      {map[string]string{proStatus: attached("enabled", "2026-05-01T00:00:00+00:00")}, fact.Tri{Known: true}, "ended on 2026-05-01"},
		"for ever":     {map[string]string{proStatus: attached("enabled", "9999-12-31T00:00:00+00:00")}, fact.Tri{Known: true, Yes: true}, "enabled"},
		"not attached": {map[string]string{proStatus: `{"attached": false, "services": [{"name":"esm-infra","status":"n/a"}]}`}, fact.Tri{Known: true}, "not attached"},
		"no client":    {nil, fact.Tri{Known: true}, "not attached"},
		"broken":       {map[string]string{proStatus: `{"attached": tru`}, fact.Tri{}, "not understood"},
		"says nothing": {map[string]string{proStatus: `{}`}, fact.Tri{}, "not understood"},
		"deep":         {map[string]string{proStatus: strings.Repeat("[", 500_000)}, fact.Tri{}, "not understood"},
		"too large":    {map[string]string{proStatus: strings.Repeat(" ", 1<<20+1)}, fact.Tri{}, "larger than the limit"},
		"source alone": {map[string]string{esmSource + ".list": "# written by hand\ndeb http://esm.example/infra/ubuntu focal-infra-security main\n"}, fact.Tri{Known: true, Yes: true}, esmSource},
		"source off":   {map[string]string{esmSource + ".list": "# deb http://esm.example/infra/ubuntu focal-infra-security main\n"}, fact.Tri{Known: true}, "not attached"},
	} {
		files := map[string]string{"etc/os-release": focal}
		for k, v := range tt.files {
			files[k] = v
		}
		l := Read(context.Background(), env(t, tree(t, files))).Life
		if l.State != LifeExtended || l.Covered.Known != tt.want.Known || l.Covered.Yes != tt.want.Yes || !strings.Contains(l.Covered.Reason, tt.reason) {
			t.Errorf("%s: %s, %+v, want %+v with %q", name, l.State, l.Covered, tt.want, tt.reason)
		}
		if l.Upgrade != "ubuntu 22.04 by do-release-upgrade, then ubuntu 24.04, ubuntu 26.04" {
			t.Errorf("upgrade: %q", l.Upgrade)
		}
	}
}

func TestCovered(t *testing.T) {
	for name, tt := range map[string]struct {
		life Life
		want fact.Tri
	}{
		"supported": {Life{State: LifeSupported}, fact.Tri{Known: true, Yes: true}},
		"ending":    {Life{State: LifeEnding}, fact.Tri{Known: true, Yes: true}},
		"LTS":       {Life{State: LifeExtended, ExtendedKind: "LTS"}, fact.Tri{Known: true, Yes: true}},
		"ELS":       {Life{State: LifeExtended, ExtendedKind: "ELS"}, fact.Tri{}},
		"ended":     {Life{State: LifeEnded}, fact.Tri{Known: true}},
		"unknown":   {Life{State: LifeUnknown}, fact.Tri{}},
	} {
		if got := covered(&tt.life, Pro{}); got.Known != tt.want.Known || got.Yes != tt.want.Yes {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzParsePro(f *testing.F) {
	f.Add([]byte(attached("enabled", "2027-05-01T00:00:00+00:00")))
	f.Add([]byte(`{"attached": true, "expires": "x", "services": null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p := parsePro(b, today); p.Attached.Reason == "" || p.ESM.Reason == "" || p.ESM.Yes && !p.Attached.Yes {
			t.Errorf("%+v", p)
		}
	})
}
