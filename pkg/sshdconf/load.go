package sshdconf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"seawall/pkg/hostfs"
	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/lex"
	"seawall/pkg/sshdconf/option"
)

// DefaultPath is the file that sshd reads when it is told nothing else.
const DefaultPath = "/etc/ssh/sshd_config"

// Bounds of one configuration, all files together.
const (
	maxDepth = 16 // sshd's own
	maxFiles = 4096
	maxLines = 200_000
	maxBytes = 16 << 20
)

// Options say how a configuration is to be read. The zero Options are good.
type Options struct {
	// Release is the server's, 902 for OpenSSH 9.2; 0 is 902.
	Release int
	// Tolerant keeps lines that are not understood, with their text as value,
	// instead of refusing them: for the files of a server that accepted them.
	Tolerant bool
	// Preset are lines that come before the file: sshd's -o options.
	Preset []string
	// Groups returns the names of a user's groups; none for a user who does not
	// exist. Without it nobody is in any group.
	Groups func(user string) []string
}

// Load reads the configuration that starts with the file path. On an error the
// Config returned has the files and directives as far as they were read, and no
// values; the error is an *Error, or wraps ErrLimit or what hostfs says.
func Load(root hostfs.Root, path string, o Options) (*Config, error) {
	if o.Release == 0 {
		o.Release = 902
	}
	if o.Groups == nil {
		o.Groups = func(string) []string { return nil }
	}
	c := &Config{Path: path, options: o, global: option.NewSet(o.Release)}
	l := &loader{config: c, host: root, options: o, active: true}
	if err := l.preset(o.Preset); err != nil {
		return c, err
	}
	top, err := l.file(path, flags{}, 0, nil, option.Source{})
	if err == nil {
		if bad := c.global.Finish(); bad != nil && !o.Tolerant {
			err = &Error{Message: bad.Error()}
		}
	}
	c.root = top
	c.lines = l.lines
	return c, err
}

// loader is sshd's first reading: the global part takes effect, and everything
// is checked.
type loader struct {
	config  *Config
	host    hostfs.Root
	options Options
	active  bool
	files   int
	lines   int
	bytes   int
	globbed int
}

// preset applies sshd's -o options.
func (l *loader) preset(lines []string) error {
	for i, text := range lines {
		src := option.Source{File: CommandLine, Line: i + 1, Raw: text}
		word, rest := lex.Keyword(text)
		args, ok := lex.Split(rest)
		kind, known := option.Lookup(word, l.options.Release)
		switch {
		case !known || kind.Name == "match" || kind.Name == "include":
			return &Error{Message: CommandLine + ": line 0: Bad configuration option: " + word}
		case !ok:
			return &Error{Message: CommandLine + " line 0: invalid quotes"}
		}
		if err := l.config.global.Apply(option.Line{Keyword: word, Args: args, Rest: rest, Source: src}, true); err != nil {
			return refusal(src, err)
		}
	}
	return nil
}

// CommandLine stands for a file's name where an option of the command line sets
// a value.
const CommandLine = "command-line"

// file reads one file. from is the line that includes it.
func (l *loader) file(name string, in flags, depth int, parent *block, from option.Source) (*file, error) {
	if depth > maxDepth {
		return nil, &Error{Message: "Too many recursive configuration includes", File: from.File, Line: from.Line}
	}
	if !slices.Contains(l.config.Files, name) {
		l.config.Files = append(l.config.Files, name)
	}
	data, err := l.read(name, from)
	if err != nil {
		return nil, err
	}
	f := &file{}
	var bad []string
	var firstBad option.Source
	state := place{file: f, in: in, depth: depth, parent: parent, block: parent}
	for _, text := range lex.Lines(data) {
		src := option.Source{File: name, Line: text.Number, Raw: text.Raw}
		err := l.line(&state, text, src)
		var soft *argument.Error
		if errors.As(err, &soft) && soft.Soft {
			if len(bad) == 0 {
				firstBad = src
			}
			if len(bad) < maxMessages {
				bad = append(bad, message(src, soft))
			}
			continue
		}
		if err != nil {
			return f, prepend(bad, refusal(src, err))
		}
	}
	if len(bad) > 0 {
		bad = append(bad, fmt.Sprintf("%s: terminating, %d bad configuration options", name, len(bad)))
		return f, &Error{Message: strings.Join(bad, "\n"), File: firstBad.File, Line: firstBad.Line}
	}
	return f, nil
}

// maxMessages bounds the refusals of one file that are told.
const maxMessages = 20

func (l *loader) read(name string, from option.Source) (string, error) {
	l.files++
	if l.files > maxFiles {
		return "", fmt.Errorf("read %s: more than %d files: %w", name, maxFiles, ErrLimit)
	}
	// sshd opens a directory without complaint and finds nothing in it.
	if fi, err := l.host.Stat(name); err == nil && fi.IsDir() {
		return "", nil
	}
	data, err := l.host.ReadFile(name, 0)
	switch {
	case errors.Is(err, hostfs.ErrTooLarge):
		return "", fmt.Errorf("read %s: %w: %w", name, ErrLimit, err)
	case err != nil:
		return "", &Error{Message: name + ": " + reason(err), File: from.File, Line: from.Line, Err: err}
	}
	l.bytes += len(data)
	l.lines += strings.Count(string(data), "\n") + 1
	if l.bytes > maxBytes || l.lines > maxLines {
		return "", fmt.Errorf("read %s: more than %d bytes or %d lines in all: %w", name, maxBytes, maxLines, ErrLimit)
	}
	return string(data), nil
}

// reason is what perror(3) would say.
func reason(err error) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno) && errno == syscall.ENOENT:
		return "No such file or directory"
	case errors.As(err, &errno) && errno == syscall.EACCES:
		return "Permission denied"
	case errors.As(err, &errno) && errno == syscall.ELOOP:
		return "Too many levels of symbolic links"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}

// place is where in the files the reading stands.
type place struct {
	file   *file
	in     flags
	depth  int
	parent *block // the block that the file itself stands in
	block  *block // the block that holds: the parent, or one of this file
}

func (l *loader) line(p *place, text lex.Line, src option.Source) error {
	word, rest := lex.Keyword(text.Text)
	if word == "" {
		return nil
	}
	if rest == "" {
		return l.tolerate(p, option.Line{Keyword: word, Source: src},
			&argument.Error{Text: "no argument after keyword \"" + word + "\"", Soft: true})
	}
	kind, known := option.Lookup(word, l.options.Release)
	args, ok := lex.Split(rest)
	o := option.Line{Keyword: word, Args: args, Rest: rest, Source: src}
	switch {
	case !ok:
		return l.tolerate(p, o, &argument.Error{Text: "invalid quotes", Soft: true})
	case !known:
		return l.tolerate(p, o, l.unknown(word, src))
	}
	l.note(p, kind.Name, args, src)
	switch {
	case kind.Name == "match":
		return l.match(p, o)
	case kind.Name == "include":
		return l.include(p, o)
	case !l.active && !kind.InMatch:
		return l.tolerate(p, o, &argument.Error{Text: "Directive '" + word + "' is not allowed within a Match block"})
	case kind.Ignored:
		return nil
	}
	if err := l.config.global.Apply(o, l.active); err != nil {
		return l.tolerate(p, o, err)
	}
	p.file.lines = append(p.file.lines, line{Line: o, inMatch: kind.InMatch})
	return nil
}

func (l *loader) unknown(word string, src option.Source) error {
	bad := fmt.Sprintf("%s: line %d: Bad configuration option: %s", src.File, src.Line, word)
	if !l.active {
		return &argument.Error{Before: bad, Text: "Directive '" + word + "' is not allowed within a Match block"}
	}
	return &argument.Error{Soft: true, Located: true, Text: bad}
}

func (l *loader) note(p *place, name string, args []string, src option.Source) {
	d := Directive{File: src.File, Line: src.Line, Raw: src.Raw, Keyword: name, Args: args, Match: -1}
	if p.block != nil {
		d.Match = p.block.directive
	}
	l.config.Directives = append(l.config.Directives, d)
}

// tolerate keeps a line that is refused, in a tolerant reading.
func (l *loader) tolerate(p *place, o option.Line, err error) error {
	if !l.options.Tolerant {
		return err
	}
	p.file.lines = append(p.file.lines, line{Line: o, broken: true, inMatch: true})
	if l.active {
		l.config.global.Keep(o)
	}
	return nil
}

func (l *loader) match(p *place, o option.Line) error {
	b := &block{directive: len(l.config.Directives) - 1, never: p.in.never, parent: p.parent}
	list, rest, msg := parseMatch(o.Rest, l.options.Release)
	if strings.HasPrefix(msg, "Invalid Match ") && !l.options.Tolerant {
		return &argument.Error{Located: true, Text: fmt.Sprintf("%s at line %d", msg, o.Source.Line)}
	}
	if msg != "" && !l.options.Tolerant {
		return &argument.Error{Before: msg, Text: "Bad Match condition"}
	}
	if msg != "" {
		list = []criterion{{}}
	}
	b.criteria = list
	l.active = !p.in.never && len(list) == 1 && list[0].kind == "all"
	p.in.matchOnly = false
	p.block = b
	l.config.Directives[b.directive].Match = b.directive
	l.config.blocks = append(l.config.blocks, b)
	p.file.lines = append(p.file.lines, line{Line: o, block: b})
	if rest != "" && !l.options.Tolerant {
		return &argument.Error{Text: "keyword " + o.Keyword + " extra arguments at end of line", Soft: true}
	}
	return nil
}

func (l *loader) include(p *place, o option.Line) error {
	if len(o.Args) == 0 {
		return l.tolerate(p, o, &argument.Error{Text: o.Keyword + " missing filename argument"})
	}
	p.file.lines = append(p.file.lines, line{Line: o, include: true})
	at := len(p.file.lines) - 1
	for _, arg := range o.Args {
		if arg == "" {
			return &argument.Error{Text: "keyword " + o.Keyword + " empty argument", Soft: true}
		}
		if arg[0] != '/' && arg[0] != '~' {
			arg = "/etc/ssh/" + arg
		}
		if !slices.Contains(l.config.Globs, arg) {
			l.config.Globs = append(l.config.Globs, arg)
		}
		names, err := l.glob(arg)
		if err != nil {
			return err
		}
		active := l.active
		for _, name := range names {
			sub, err := l.file(name, p.in.below(active), p.depth+1, p.block, o.Source)
			if err != nil {
				return err
			}
			l.active = active
			p.file.lines[at].included = append(p.file.lines[at].included, sub)
		}
	}
	return nil
}

// message is a refusal in sshd's words, and with its escapes.
func message(src option.Source, e *argument.Error) string {
	msg := e.Text
	if !e.Located {
		msg = fmt.Sprintf("%s line %d: %s", src.File, src.Line, e.Text)
	}
	if e.Before != "" {
		msg = e.Before + "\n" + msg
	}
	return visible(msg)
}

// visible is vis(3) as sshd uses it for its messages.
func visible(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n', c == '\t', c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03o", c)
		}
	}
	return b.String()
}

// refusal makes an *Error of a refused line, and leaves any other error.
func refusal(src option.Source, err error) error {
	var refused *argument.Error
	if !errors.As(err, &refused) {
		return err
	}
	return &Error{Message: message(src, refused), File: src.File, Line: src.Line}
}

// prepend puts the messages that came before in front of a refusal.
func prepend(before []string, err error) error {
	var e *Error
	if len(before) == 0 || !errors.As(err, &e) {
		return err
	}
	joined := *e
	joined.Message = strings.Join(append(before, e.Message), "\n")
	return &joined
}
