package distro

import (
	_ "embed" // the table
	"errors"
	"fmt"
	"strings"
	"time"
)

//go:embed life.tsv
var builtIn []byte

// TableFile is where a package of Seawall keeps the table, so that a newer one
// reaches hosts without a new program.
const TableFile = "/usr/share/seawall/life.tsv"

// Bounds of a table of someone else's making.
const (
	maxTable = 256 << 10
	maxRows  = 5000
	maxSteps = 8
)

// Table is the lives of releases as of one day.
type Table struct {
	AsOf time.Time
	rows map[string]row // by "id version"
}

type row struct {
	Claim
	to, by string
}

// parseTable reads a table in the format of life.tsv. A row with more columns than
// are known here is read as far as they are, one with fewer is an error.
func parseTable(text []byte) (*Table, error) {
	if len(text) > maxTable {
		return nil, errors.New("the table of lives is too large")
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	asOf, err := time.Parse(time.DateOnly, strings.TrimPrefix(first, "# "))
	if err != nil {
		return nil, errors.New("the table of lives has no date")
	}
	t := &Table{AsOf: asOf, rows: map[string]row{}}
	number := 1
	for line := range strings.Lines(rest) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := t.add(strings.Split(line, "\t")); err != nil {
			return nil, fmt.Errorf("the table of lives is damaged in line %d: %w", number, err)
		}
	}
	if len(t.rows) == 0 {
		return nil, errors.New("the table of lives is empty")
	}
	return t, nil
}

func (t *Table) add(f []string) error {
	switch {
	case len(f) < 8 || f[0] == "" || f[1] == "":
		return errors.New("too few columns")
	case len(t.rows) == maxRows:
		return errors.New("too many rows")
	}
	r := row{Claim: Claim{Kind: f[4], Source: fmt.Sprintf("%s, as of %s", f[5], t.AsOf.Format(time.DateOnly))}, to: f[6], by: f[7]}
	var err error
	if r.Ends, err = time.Parse(time.DateOnly, f[2]); err != nil {
		return err
	}
	if f[3] != "" {
		if r.Extended, err = time.Parse(time.DateOnly, f[3]); err != nil {
			return err
		}
	}
	t.rows[f[0]+" "+f[1]] = r
	return nil
}

// Newest is the built-in table or, where it is newer, the one of a file's text.
// A file that claims a day to come is not believed: with it the present would move.
func Newest(file []byte, now time.Time) *Table {
	own, err := parseTable(builtIn)
	if err != nil {
		own = &Table{} // too old for anything; a test holds that this cannot be
	}
	other, err := parseTable(file)
	if err != nil || !other.AsOf.After(own.AsOf) || other.AsOf.After(now.Add(24*time.Hour)) {
		return own
	}
	return other
}

// find returns a release's row, that of its major version where it has none itself.
func (t *Table) find(o OS) (key string, r row, found bool) {
	major, _, _ := strings.Cut(o.VersionID, ".")
	for _, version := range []string{o.VersionID, major} {
		key = o.key() + " " + version
		if r, found = t.rows[key]; found {
			return key, r, true
		}
	}
	return "", row{}, false
}

// Upgrade is how a release is left.
type Upgrade struct {
	To      string // the next release: "debian 13"; "" where the table names none
	Tool    string // the program that does it in place, "" where only a new host helps
	Command string // how it begins, in words where no command does it
	Then    []string
}

// String says it in words.
func (u Upgrade) String() string {
	if u.To == "" {
		return ""
	}
	words := u.To + " by " + u.Command
	if u.Tool == "" {
		words = u.To + ": " + u.Command
	}
	if len(u.Then) > 0 {
		words += ", then " + strings.Join(u.Then, ", ")
	}
	return words
}

// UpgradeOf names the next release to go to, the way there, and the releases after it.
func (t *Table) UpgradeOf(o OS) Upgrade {
	_, r, found := t.find(o)
	if !found || r.to == "" {
		return Upgrade{}
	}
	u := Upgrade{To: r.to}
	u.Tool, u.Command = way(r.by, r.to)
	seen := map[string]bool{}
	for at := r.to; len(u.Then) < maxSteps && !seen[at]; {
		seen[at] = true
		next, ok := t.rows[at]
		if !ok || next.to == "" {
			break
		}
		at = next.to
		u.Then = append(u.Then, at)
	}
	return u
}

// way is the tool and the command behind the table's word for it.
func way(by, to string) (tool, command string) {
	_, version, _ := strings.Cut(to, " ")
	switch by {
	case "apt":
		return "apt", "apt full-upgrade with the new release in the sources, as its release notes say"
	case "do-release-upgrade":
		return by, by
	case "leapp":
		return by, "leapp preupgrade, then leapp upgrade"
	case "elevate":
		return "leapp", "leapp of the ELevate project: leapp preupgrade, then leapp upgrade"
	case "almalinux-deploy":
		return by, by
	case "system-upgrade":
		return "dnf system-upgrade", "dnf system-upgrade download --releasever=" + version
	}
	return "", "a new host, there is no supported upgrade in place"
}
