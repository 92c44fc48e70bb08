package sshdconf

import (
	"errors"

	"seawall/pkg/sshdconf/option"
)

// ErrLimit is a configuration beyond this reader's bounds.
var ErrLimit = errors.New("configuration is larger than the limit")

// Error is a configuration that is refused, or a connection that does not say
// enough for it.
type Error struct {
	// Message is what sshd prints, of one or more lines.
	Message string
	// File and Line are where it is, as far as it is anywhere.
	File string
	Line int
	Err  error // the cause, where a file could not be read
}

// Error is the message as sshd prints it, file and line included.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Directive is one line that says something, in the order of reading.
type Directive struct {
	File    string
	Line    int
	Raw     string   // the whole line as it stands
	Keyword string   // canonical and in lower case; as written where it is unknown
	Args    []string // unquoted
	// Match is the Match block that the line stands in, as the number of its own
	// Match directive in Config.Directives; -1 in the global part.
	Match int
}

// Config is a configuration that was read. It is not changed after [Load].
type Config struct {
	// Path is the file that it starts with.
	Path string
	// Files are all files that were read, or that could not be, once each.
	Files []string
	// Globs are the arguments of Include as absolute patterns, once each.
	Globs      []string
	Directives []Directive

	options Options
	root    *file
	blocks  []*block
	global  *option.Set
	lines   int
}

// Value is a keyword's value and where it comes from.
type Value = option.Value

// file is one reading of a file; one that is included twice is read twice.
type file struct{ lines []line }

// line is one directive in its place.
type line struct {
	option.Line
	inMatch  bool // may stand in a Match block
	broken   bool // refused, and kept in a tolerant reading
	block    *block
	included []*file
	include  bool
}

// block is a Match directive.
type block struct {
	directive int
	parent    *block // the block that the file with it was included in
	never     bool   // its file was included where nothing can match
	criteria  []criterion
}

// reading is a walk over the tree for one connection: sshd's second reading.
type reading struct {
	conn   *Conn
	config *Config
	set    *option.Set
	active bool
}

// flags are what a file inherits from where it is included.
type flags struct {
	matchOnly bool // nothing but Match counts yet: the second reading's global part
	never     bool // no Match applies
}

func (f flags) below(active bool) flags {
	if f.matchOnly {
		return flags{matchOnly: true}
	}
	return flags{never: !active}
}

// Effective returns every keyword with the value that holds for a connection, as
// sshd -T -C prints it; for the zero Conn as sshd -T without -C. A connection
// that lacks what a Match needs is an *Error, as it is for sshd.
func (c *Config) Effective(conn Conn) (map[string]Value, error) {
	r := reading{conn: &conn, config: c, set: option.NewSet(c.options.Release)}
	if err := r.walk(c.root, flags{matchOnly: true}); err != nil {
		return nil, err
	}
	set := c.global.Clone()
	set.Override(r.set)
	if err := set.Check(); err != nil && !c.options.Tolerant {
		return nil, &Error{Message: err.Error()}
	}
	return set.Settings(), nil
}

func (r *reading) walk(f *file, in flags) error {
	for i := range f.lines {
		l := &f.lines[i]
		switch {
		case l.block != nil:
			hit := false
			if !in.never {
				var err error
				if hit, err = l.block.match(r.conn, r.config.options.Groups); err != nil {
					return err
				}
			}
			r.active = hit
			in.matchOnly = false
		case l.include:
			active := r.active
			for _, sub := range l.included {
				if err := r.walk(sub, in.below(active)); err != nil {
					return err
				}
				r.active = active
			}
		case l.broken && r.active:
			r.set.Keep(l.Line)
		case l.broken, !r.active && !l.inMatch:
		default:
			if err := r.set.Apply(l.Line, r.active); err != nil && !r.config.options.Tolerant {
				return r.refusal(l.Source, err)
			}
		}
	}
	return nil
}

// refusal names the file as sshd does on its second reading.
func (r *reading) refusal(src option.Source, err error) error {
	named := src
	if src.File == r.config.Path {
		named.File = "reprocess config"
	}
	err = refusal(named, err)
	var e *Error
	if errors.As(err, &e) {
		e.File = src.File
	}
	return err
}
