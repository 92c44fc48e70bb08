// Package option is the kinds of values that the collector's options have beside text and
// numbers, each a pflag.Value.
package option

import (
	"fmt"
	"log/slog"
	"strings"
)

// Choice is one of a few words.
type Choice struct {
	Value string
	Words []string
}

// String returns the value as Set takes it.
func (c *Choice) String() string { return c.Value }

// Type returns what help calls the value.
func (c *Choice) Type() string { return "word" }

// Set takes the value from its text.
func (c *Choice) Set(v string) error {
	for _, w := range c.Words {
		if v == w {
			c.Value = v
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", v, strings.Join(c.Words, ", "))
}

// List is words with commas between them.
type List []string

// String returns the value as Set takes it.
func (l *List) String() string { return strings.Join(*l, ",") }

// Type returns what help calls the value.
func (l *List) Type() string { return "names" }

// Set takes the value from its text.
func (l *List) Set(v string) error {
	*l = nil
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}

// Level is a level of the log.
type Level struct{ Level slog.Level }

// String returns the value as Set takes it.
func (l *Level) String() string { return strings.ToLower(l.Level.String()) }

// Type returns what help calls the value.
func (l *Level) Type() string { return "level" }

// Set takes the value from its text.
func (l *Level) Set(v string) error { return l.Level.UnmarshalText([]byte(v)) }
