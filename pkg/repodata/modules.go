package repodata

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of modules.yaml.
const (
	maxLine      = 64 << 10
	maxArtifacts = 1 << 16
	maxText      = 8 << 20 // of what is kept of a document
	maxLevels    = 32
	maxKey       = 128 // of a path of keys that means something
)

// ModuleBuild is one document "modulemd" of modules.yaml: a build of a module
// stream and the packages that belong to it.
type ModuleBuild struct {
	Module
	Artifacts []string // "nodejs-1:18.20.4-1.module_el9.4.0+2.x86_64"
}

// ModuleDefault is one document "modulemd-defaults": the stream of a module that
// is active where nobody chose one.
type ModuleDefault struct{ Name, Stream string }

// ScanModules reads modules.yaml and calls build and defaults for its documents.
// Documents of other kinds are passed over. Of YAML it reads what libmodulemd
// writes, block style with scalars on one line; anything else in a place that
// matters is ErrUnsupported.
func ScanModules(r io.Reader, build func(*ModuleBuild), defaults func(ModuleDefault)) error {
	d := modulemd{build: build, defaults: defaults}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	number := 0
	for lines.Scan() {
		number++
		if err := d.line(lines.Text()); err != nil {
			return fmt.Errorf("modules line %d: %w", number, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("modules line %d: %w: %w", number+1, ErrDamaged, err)
	} else if err != nil {
		return fmt.Errorf("modules: %w", err)
	}
	return d.end()
}

// modulemd reads one document after the other.
type modulemd struct {
	build    func(*ModuleBuild)
	defaults func(ModuleDefault)
	kind     string
	alias    string // a default's name of its module
	module   ModuleBuild
	kept     int // bytes
	levels   []level
}

// level is a key whose value may be on the lines that follow.
type level struct {
	indent int
	path   string // of keys, "data/artifacts/rpms"
	text   bool   // the value is a block of text
}

func (d *modulemd) line(line string) error {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	text = strings.TrimRight(text, " \t\r")
	switch {
	case indent == 0 && (text == "---" || strings.HasPrefix(text, "--- ") || text == "..."):
		return d.end()
	case text == "" || text[0] == '#':
		return nil
	}
	item, isItem := "", text == "-" || strings.HasPrefix(text, "- ")
	if isItem {
		item = strings.TrimLeft(text[1:], " ")
	}
	parent := d.parent(indent, isItem)
	switch {
	case parent.text:
		return nil
	case isItem:
		return d.item(parent.path, item)
	}
	return d.key(parent.path, indent, text)
}

// parent leaves the levels that a line is not within, and returns the innermost one
// that it is. An item may stand as far to the left as its key, a key may not.
func (d *modulemd) parent(indent int, isItem bool) level {
	for n := len(d.levels); n > 0 && (d.levels[n-1].indent > indent || !isItem && d.levels[n-1].indent == indent); n-- {
		d.levels = d.levels[:n-1]
	}
	if n := len(d.levels); n > 0 {
		return d.levels[n-1]
	}
	return level{}
}

func (d *modulemd) item(path, item string) error {
	if path != "data/artifacts/rpms" || d.kind != "modulemd" {
		return nil
	}
	name, err := scalar(item)
	if err != nil {
		return err
	}
	if len(d.module.Artifacts) == maxArtifacts {
		return fmt.Errorf("%w: module of more than %d packages", ErrDamaged, maxArtifacts)
	}
	if d.kept += len(name); d.kept > maxText {
		return fmt.Errorf("%w: module of more than %d bytes", ErrDamaged, maxText)
	}
	d.module.Artifacts = append(d.module.Artifacts, strings.Clone(name)) // and not all of its line
	return nil
}

func (d *modulemd) key(parent string, indent int, text string) error {
	key, value, found := strings.Cut(text, ":")
	value = strings.TrimLeft(value, " ")
	if !found {
		return nil // a text goes on
	}
	path := strings.Trim(key, `"'`)
	if parent != "" {
		path = parent + "/" + path
	}
	if len(path) > maxKey {
		path = "?" // no key is called so, nor begins so
	}
	if len(d.levels) == maxLevels {
		return fmt.Errorf("%w: too deep", ErrDamaged)
	}
	d.levels = append(d.levels, level{indent, path, strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">")})
	to := d.field(path)
	if to == nil {
		return structure(path, value)
	}
	s, err := scalar(value)
	if err == nil && len(s) > maxField {
		err = fmt.Errorf("%w: %s of %d bytes", ErrDamaged, path, len(s))
	}
	*to = strings.Clone(s)
	return err
}

// field is where the value of a key goes.
func (d *modulemd) field(path string) *string {
	switch path {
	case "document":
		return &d.kind
	case "data/module":
		return &d.alias
	case "data/name":
		return &d.module.Name
	case "data/stream":
		return &d.module.Stream
	case "data/version":
		return &d.module.Version
	case "data/context":
		return &d.module.Context
	case "data/arch":
		return &d.module.Arch
	}
	return nil
}

// structure refuses the keys that lead to what matters in another than block style.
func structure(path, value string) error {
	switch path {
	case "data", "data/artifacts", "data/artifacts/rpms":
		if value != "" && value[0] != '#' && value != "[]" && value != "{}" {
			return fmt.Errorf("%w: value of %s in this style", ErrUnsupported, path)
		}
	}
	return nil
}

// scalar reads a value on one line.
func scalar(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	switch quote := value[0]; quote {
	case '"', '\'':
		end := strings.LastIndexByte(value, quote)
		if rest := strings.TrimLeft(value[end+1:], " "); end == 0 || rest != "" && rest[0] != '#' {
			return "", fmt.Errorf("%w: text of more than one line", ErrUnsupported)
		}
		if quote == '\'' {
			return strings.ReplaceAll(value[1:end], "''", "'"), nil
		}
		s, err := strconv.Unquote(value[:end+1])
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
		return s, nil
	case '&', '*', '!', '|', '>', '[', '{', '?', '%', '@', '`':
		return "", fmt.Errorf("%w: value in this style", ErrUnsupported)
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimRight(value[:i], " ")
	}
	return value, nil
}

// end hands the document over that was read.
func (d *modulemd) end() error {
	switch {
	case d.kind == "modulemd" && d.module.Name != "":
		d.build(&d.module)
	case d.kind == "modulemd-defaults" && d.alias != "":
		d.defaults(ModuleDefault{d.alias, d.module.Stream})
	}
	*d = modulemd{build: d.build, defaults: d.defaults, levels: d.levels[:0]}
	return nil
}
