package postgres

import (
	"strconv"
	"strings"
	"sync"
)

// dialect rewrites statements. Its zero value is ready.
type dialect struct{ known sync.Map }

func (d *dialect) rewrite(text string) string {
	if done, ok := d.known.Load(text); ok {
		return done.(string)
	}
	done := Rewrite(text)
	d.known.Store(text, done)
	return done
}

// Rewrite makes a statement for SQLite one for PostgreSQL. What stands in quotes stays.
func Rewrite(text string) string {
	var out strings.Builder
	number := 0
	for text != "" {
		switch i := strings.IndexAny(text, "'?"); {
		case i < 0:
			out.WriteString(words(text))
			text = ""
		case text[i] == '?':
			out.WriteString(words(text[:i]) + "$")
			text = text[i+1:]
			digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
			if digits == 0 {
				number++
				out.WriteString(strconv.Itoa(number))
			}
			out.WriteString(text[:digits])
			text = text[digits:]
		default:
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return out.String() + text // the server says what is wrong with it
			}
			end += i + 2
			out.WriteString(words(text[:i]) + text[i:end])
			text = text[end:]
		}
	}
	return out.String()
}

func words(text string) string {
	text = strings.ReplaceAll(text, "ifnull(", "coalesce(")
	text = strings.ReplaceAll(text, "CROSS JOIN ", "JOIN ")
	text = strings.ReplaceAll(text, "BEGIN IMMEDIATE", "BEGIN")
	for {
		before, rest, found := strings.Cut(text, "/*postgres ")
		ours, after, closed := strings.Cut(rest, "*/")
		if !found || !closed {
			return text
		}
		text = before + ours + after
	}
}
