package system

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/distro"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Where Ubuntu's client keeps what it knows of a subscription, and the sources that
// it writes with one.
const (
	proStatus = "/var/lib/ubuntu-advantage/status.json"
	esmSource = "/etc/apt/sources.list.d/ubuntu-esm-infra"
)

// proDocument is the part of status.json that is read.
type proDocument struct {
	Attached *bool  `json:"attached"`
	Expires  string `json:"expires"`
	Services []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"services"`
}

// readPro reads whether an Ubuntu has a subscription and with it the packages of
// Expanded Security Maintenance.
func readPro(env fact.Env, m *fact.Meta) Pro {
	m.Depend(proStatus, esmSource+".list", esmSource+".sources")
	b, err := env.Root.ReadFile(proStatus, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return withoutStatus(env)
	}
	if err != nil {
		why := text.Clean(fmt.Sprintf("read the state of Ubuntu Pro: %v", err), text.Limit)
		return Pro{Attached: fact.Tri{Reason: why}, ESM: fact.Tri{Reason: why}}
	}
	p := parsePro(b, env.Now())
	if p.Attached.Yes {
		p.Evidence = append(p.Evidence, finding.Evidence{File: proStatus, Text: p.ESM.Reason})
	}
	return p
}

// withoutStatus answers for a host whose client never wrote its state: the source
// decides.
func withoutStatus(env fact.Env) Pro {
	for _, name := range []string{esmSource + ".list", esmSource + ".sources"} {
		b, err := env.Root.ReadFile(name, 0)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "deb ") || strings.HasPrefix(line, "Types:") {
				yes := fact.Tri{Known: true, Yes: true, Reason: name}
				return Pro{Attached: yes, ESM: yes, Evidence: []finding.Evidence{{File: name, Text: text.Clean(strings.TrimSpace(line), maxWord)}}}
			}
		}
	}
	no := fact.Tri{Known: true, Reason: "the host is not attached to Ubuntu Pro: there is no " + proStatus}
	return Pro{Attached: no, ESM: no}
}

// parsePro reads status.json.
func parsePro(b []byte, now time.Time) Pro {
	var d proDocument
	if err := json.Unmarshal(b, &d); err != nil || d.Attached == nil {
		why := proStatus + " is not understood"
		return Pro{Attached: fact.Tri{Reason: why}, ESM: fact.Tri{Reason: why}}
	}
	if !*d.Attached {
		no := fact.Tri{Known: true, Reason: "the host is not attached to Ubuntu Pro"}
		return Pro{Attached: no, ESM: no}
	}
	p := Pro{Attached: fact.Tri{Known: true, Yes: true, Reason: "the host is attached to Ubuntu Pro"}}
	p.ESM = fact.Tri{Known: true, Reason: "Ubuntu Pro names no esm-infra"}
	for _, s := range d.Services {
		if s.Name == "esm-infra" {
			p.ESM = fact.Tri{Known: true, Yes: s.Status == "enabled", Reason: text.Clean("esm-infra is "+s.Status, maxWord)}
		}
	}
	if expires, err := time.Parse(time.RFC3339, d.Expires); err == nil {
		p.Expires = expires.UTC().Format(time.DateOnly)
		if expires.Before(now) {
			p.ESM = fact.Tri{Known: true, Reason: "the subscription of Ubuntu Pro ended on " + p.Expires}
		}
	}
	return p
}

// covered says whether somebody still makes fixes for the release that this host
// gets.
func covered(l *Life, p Pro) fact.Tri {
	switch {
	case l.State == LifeSupported || l.State == LifeEnding:
		return fact.Tri{Known: true, Yes: true, Reason: l.Reason}
	case l.State == LifeEnded:
		return fact.Tri{Known: true, Reason: l.Reason}
	case l.State == LifeExtended && l.ExtendedKind == distro.LTS:
		return fact.Tri{Known: true, Yes: true, Reason: "LTS is free and comes from the same archive"}
	case l.State == LifeExtended && l.ExtendedKind == distro.Pro:
		return p.ESM
	case l.State == LifeExtended:
		return fact.Tri{Reason: l.ExtendedKind + " support is bought; whether it was is not known"}
	}
	return fact.Tri{Reason: l.Reason}
}
