// Package sample makes the findings of a simulated fleet, as fast as bytes can be
// copied: what wire encodes is encoded once, and only the digits of the sequence are
// written into each copy. Every host says the same, so that a record is known by its
// sequence alone and need not be kept to be sent again.
//
// The first [Set.Whole] records of a host are its whole state, 200 results. Each
// record behind them is a change of one of these: the verdict turns with every round,
// and a third of the changes name who caused them. They have 300 to 600 bytes.
package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

const (
	checks    = 25
	resources = 8
	// keys is how many results a host has.
	keys = checks * resources
	// mark is where a change's sequence is written, in as many digits.
	mark = "##########"
)

// Set is the records of every host.
type Set struct {
	whole   [][]byte
	changes []change // two rounds over the keys
}

type change struct {
	bytes []byte
	at    int // of the mark
}

// New makes the records of hosts whose first look at themselves was at a time.
func New(made time.Time) (*Set, error) {
	var state []finding.Result
	for k := range keys {
		state = append(state, result(k, finding.StatusPass, "yes", made))
	}
	s := new(Set)
	for _, part := range wire.SplitState(state, 0) {
		part.ID = uint64(made.UnixNano())
		b, err := wire.Encode(wire.Record{Time: made, State: &part})
		if err != nil {
			return nil, fmt.Errorf("encode a whole state: %w", err)
		}
		s.whole = append(s.whole, b)
	}
	for n := range 2 * keys {
		c := finding.Change{Result: result(n%keys, finding.StatusFail, "no, seen at "+mark, made), Previous: finding.StatusPass}
		if n >= keys {
			c.Result.Status, c.Previous = finding.StatusPass, finding.StatusFail
		}
		if n%3 == 0 {
			c.Result.Cause = cause(made)
		}
		b, err := wire.Encode(wire.Record{Time: made, Change: &c})
		if err != nil {
			return nil, fmt.Errorf("encode a change: %w", err)
		}
		s.changes = append(s.changes, change{b, bytes.Index(b, []byte(mark))})
	}
	return s, nil
}

// Whole is how many records a host's whole state has.
func (s *Set) Whole() uint64 { return uint64(len(s.whole)) }

// Findings counts what the records up to a sequence hold: the results of the whole
// state with its last part, and one for each change.
func (s *Set) Findings(sequence uint64) int {
	if sequence < s.Whole() {
		return 0
	}
	return keys + int(sequence-s.Whole())
}

// Append appends a host's record.
func (s *Set) Append(to []byte, sequence uint64) []byte {
	if sequence <= s.Whole() {
		return append(to, s.whole[sequence-1]...)
	}
	c := s.changes[(sequence-s.Whole()-1)%uint64(len(s.changes))]
	at := len(to) + c.at
	to = append(to, c.bytes...)
	digits := to[at : at+len(mark)]
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = '0' + byte(sequence%10)
		sequence /= 10
	}
	return to
}

// Digest returns the digest of a record as positions have it.
func (s *Set) Digest(sequence uint64) uint64 {
	sum := sha256.Sum256(s.Append(nil, sequence))
	return binary.BigEndian.Uint64(sum[:])
}

func result(k int, status finding.Status, actual string, at time.Time) finding.Result {
	check := "load-check-" + strconv.Itoa(k/resources)
	file := fmt.Sprintf("/etc/simulated/%s.d/%02d-local.conf", check, k%resources)
	return finding.Result{
		Check: check, Resource: fmt.Sprintf("unit-%04d.service", k),
		Status: status, Severity: finding.Severity(1 + k%5),
		Actual: actual, Expected: "yes, in every file that the program reads, and nothing that undoes it later",
		Evidence: []finding.Evidence{
			{File: file, Line: 12 + k, Text: "SettingThatMatters " + actual},
			{Text: "program --show-effective-configuration: settingthatmatters " + actual},
		},
		Time: at,
	}
}

func cause(at time.Time) *finding.Cause {
	return &finding.Cause{
		Serial: 4711, Time: at, AUID: 1000, LoginUser: "operator", User: "root", Session: 7, PID: 31337, TTY: "pts0",
		Exe: "/usr/bin/vim.basic", Command: "vim /etc/simulated/local.conf", Path: "/etc/simulated/local.conf", Operation: "write",
	}
}
