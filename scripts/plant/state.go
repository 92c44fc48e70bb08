package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// result is what "seawall check --format json" says of one resource.
type result struct {
	Check       string `json:"check"`
	Resource    string `json:"resource"`
	Status      string `json:"status"`
	Actual      string `json:"actual"`
	Remediation string `json:"remediation"`
}

// state is one look at the machine, by check.
type state map[string][]result

func parseState(data []byte) (state, error) {
	var all struct {
		Results []result `json:"results"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("parse results: %w", err)
	}
	s := state{}
	for _, r := range all.Results {
		s[r.Check] = append(s[r.Check], r)
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("parse results: there are none")
	}
	return s, nil
}

// Statuses, the best first.
var order = []string{"not_applicable", "pass", "waived", "unknown", "error", "fail"}

// worst is the worst status of a check, of one resource where it is named.
func (s state) worst(check, resource string) result {
	w := result{Check: check}
	for _, r := range s[check] {
		if (resource == "" || r.Resource == resource) && (w.Status == "" || slices.Index(order, r.Status) > slices.Index(order, w.Status)) {
			w = r
		}
	}
	return w
}

// flips are the checks whose worst status differs, but for those that may: names, or
// patterns of names.
func (s state) flips(now state, but ...string) []string {
	var list []string
	for check := range s {
		before, after := s.worst(check, ""), now.worst(check, "")
		if before.Status != after.Status && !matches(but, check) {
			list = append(list, fmt.Sprintf("%s: %s, was %s: %s", check, after.Status, before.Status, strings.TrimSpace(after.Resource+" "+after.Actual)))
		}
	}
	slices.Sort(list)
	return list
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return err == nil && ok
	})
}
