package alert

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// MaxSignals bounds the signals in one message; those beyond are counted.
const MaxSignals = 50

// Message is what people or programs are told. It is the body of a webhook as it is.
type Message struct {
	Version  int              `json:"version"` // 1
	ID       string           `json:"id"`      // the same however often it is sent
	Rule     string           `json:"rule"`
	Test     bool             `json:"test"` // asked for by a person
	Made     time.Time        `json:"made"`
	Severity finding.Severity `json:"severity"` // the highest of Signals that are not over
	Summary  string           `json:"summary"`
	Signals  []Signal         `json:"signals"`
	More     int              `json:"more"` // signals that are not in Signals
	// Dashboard is where paths of signals begin, where the route knows it.
	Dashboard string `json:"dashboard,omitempty"`
}

// Compose makes a message of signals, the worst first.
func Compose(id, rule string, made time.Time, signals []Signal, more int) Message {
	slices.SortStableFunc(signals, func(a, b Signal) int {
		switch {
		case a.Over == b.Over:
			return cmp.Compare(b.Severity, a.Severity)
		case a.Over:
			return 1
		}
		return -1
	})
	if len(signals) > MaxSignals {
		more += len(signals) - MaxSignals
		signals = signals[:MaxSignals]
	}
	m := Message{Version: 1, ID: id, Rule: rule, Made: made.UTC(), Signals: signals, More: more}
	for i := range signals {
		if s := &signals[i]; !s.Over {
			m.Severity = max(m.Severity, s.Severity)
		}
	}
	m.Summary = m.summarise()
	return m
}

func verb(over bool) string {
	if over {
		return "resolved"
	}
	return "new"
}

// summarise says the message in one line.
func (m *Message) summarise() string {
	if len(m.Signals) == 1 && m.More == 0 {
		return m.Signals[0].Sentence()
	}
	hosts, counts := map[fleet.HostID]bool{}, map[bool]int{}
	var name string
	for i := range m.Signals {
		s := &m.Signals[i]
		hosts[s.Host], name = true, cmp.Or(s.HostName, string(s.Host))
		counts[s.Over]++
	}
	var parts []string
	for _, over := range []bool{false, true} {
		if n := counts[over]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, verb(over)))
		}
	}
	if m.More > 0 {
		parts = append(parts, fmt.Sprintf("%d more", m.More))
	}
	where := fmt.Sprintf("%d hosts", len(hosts))
	if len(hosts) == 1 {
		where = name
	}
	return where + ": " + strings.Join(parts, ", ")
}

// Over reports whether all that the message tells of is over.
func (m *Message) Over() bool {
	return len(m.Signals) > 0 && m.More == 0 && !slices.ContainsFunc(m.Signals, func(s Signal) bool { return !s.Over })
}

// Word says the message's weight in one word.
func (m *Message) Word() string {
	switch {
	case m.Test:
		return "test"
	case m.Over():
		return "resolved"
	}
	return m.Severity.String()
}

// Lines returns the message as text, a line each, its summary first.
func (m *Message) Lines() []string {
	lines := []string{m.Summary, ""}
	for i := range m.Signals {
		s := &m.Signals[i]
		word := s.Severity.String()
		if s.Over {
			word = "resolved"
		}
		lines = append(lines, fmt.Sprintf("[%s] %s", word, s.Sentence()))
		for _, d := range [][2]string{{"actual", s.Actual}, {"expected", s.Expected}, {"by", s.Who}, {"check", s.Check}} {
			if d[1] != "" {
				lines = append(lines, "    "+d[0]+": "+d[1])
			}
		}
		lines = append(lines, "    at: "+s.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
		if s.Held > 0 {
			lines = append(lines, fmt.Sprintf("    changed %d more times meanwhile", s.Held))
		}
		if m.Dashboard != "" && s.Path != "" {
			lines = append(lines, "    "+m.Dashboard+s.Path)
		}
	}
	if m.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more, which the dashboard shows", m.More))
	}
	return append(lines, "", "Rule: "+m.Rule, "Message: "+m.ID)
}

// Kind says what the body of a parcel is.
type Kind string

// The kinds.
const (
	KindMessage Kind = "alert" // a Message, as JSON
	KindRaw     Kind = "raw"   // for programs: goes out as it is
)

// Parcel is a message on its way to a route.
type Parcel struct {
	ID      string    `json:"id"`
	Route   string    `json:"route"`
	Kind    Kind      `json:"kind"`
	Type    string    `json:"type"` // media type of Body
	Made    time.Time `json:"made"`
	Attempt int       `json:"attempt"` // from 1
	Body    []byte    `json:"body"`
}

// Result says what became of a parcel.
type Result string

// The results.
const (
	Sent    Result = "sent"
	Later   Result = "later"   // not now: tried again
	Refused Result = "refused" // never: a person has to look
	Untried Result = "untried" // given back
)

// Outcome is what the process with the network says of a parcel.
type Outcome struct {
	ID     string        `json:"id"`
	Result Result        `json:"result"`
	Detail string        `json:"detail,omitempty"` // never holds a secret
	Took   time.Duration `json:"took"`
	After  time.Duration `json:"after,omitempty"` // not before: the receiver's wish
}

// Route is what the process with the network tells of a route: no secret.
type Route struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	To   string `json:"to"`
}

// ErrRefused is wrapped by errors of receivers that will not take a parcel however
// often it comes.
var ErrRefused = errors.New("the receiver refused it")

// Busy is the error of a receiver that says when to come again.
type Busy struct {
	After time.Duration
	Err   error
}

func (b *Busy) Error() string { return b.Err.Error() }
func (b *Busy) Unwrap() error { return b.Err }
