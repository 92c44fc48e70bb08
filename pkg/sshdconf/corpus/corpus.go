// Package corpus holds a hundred configurations of sshd with what the real sshd
// (OpenSSH 9.2p1 of Debian 12) makes of each. It is for tests alone.
//
// The archive has a directory for each case: sshd_config and whatever belongs to
// it ("@DIR@" stands for /etc/ssh), match.txt with a connection for sshd -T -C,
// expected.txt and expected-global.txt with the exit status, messages and output
// of sshd -T with and without that connection, and the output of OpenSSH 10.5.
// index.tsv has the worst values over 6 users, 6 addresses, 2 ports and 2
// routing domains.
package corpus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed" // for the archive
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

//go:embed corpus.tar.gz
var archive []byte

// Case is one configuration and its truth.
type Case struct {
	Name string
	// Spec is the connection that Expected is for, in the form of sshd's -C; with
	// none, Expected is for sshd -T alone and so is Global.
	Spec     string
	Expected Answer
	Global   Answer
	Later    string // OpenSSH 10.5's output for Spec
	// WorstRootLogin and WorstPassword are the worst PermitRootLogin for root and
	// the worst PasswordAuthentication for anybody; "-" where there is none.
	WorstRootLogin string
	WorstPassword  string

	entries []entry
}

// Answer is one run of sshd -T.
type Answer struct {
	Exit   int
	Stderr []string
	Stdout string
}

type entry struct {
	name string
	kind byte
	link string
	data []byte
}

// Cases returns all cases in the order of their names.
func Cases() ([]Case, error) {
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("open corpus: %w", err)
	}
	var cases []Case
	worst := map[string][2]string{}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read corpus: %w", err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, fmt.Errorf("read corpus: %w", err)
		}
		name, rest, _ := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
		switch {
		case name == "index.tsv":
			worst = index(string(data))
		case rest == "":
			cases = append(cases, Case{Name: name, WorstRootLogin: worst[name][0], WorstPassword: worst[name][1]})
		default:
			cases[len(cases)-1].add(entry{name: rest, kind: h.Typeflag, link: h.Linkname, data: data})
		}
	}
	for i := range cases {
		if cases[i].Spec == "" {
			cases[i].Global = cases[i].Expected
		}
	}
	return cases, nil
}

func index(text string) map[string][2]string {
	out := map[string][2]string{}
	for line := range strings.Lines(text) {
		if f := strings.Split(line, "\t"); len(f) > 10 {
			out[f[0]] = [2]string{f[9], f[10]}
		}
	}
	return out
}

func (c *Case) add(e entry) {
	switch e.name {
	case "match.txt":
		c.Spec = strings.TrimSpace(string(e.data))
	case "expected.txt":
		c.Expected = answer(string(e.data))
	case "expected-global.txt":
		c.Global = answer(string(e.data))
	case "expected.10.5p1.txt":
		c.Later = string(e.data)
	default:
		c.entries = append(c.entries, e)
	}
}

func answer(text string) Answer {
	var a Answer
	var out strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "# exit="):
			_, _ = fmt.Sscanf(line, "# exit=%d", &a.Exit)
		case strings.HasPrefix(line, "# stderr: "):
			line = strings.TrimPrefix(strings.TrimRight(line, "\n"), "# stderr: ")
			a.Stderr = append(a.Stderr, strings.ReplaceAll(line, "@DIR@", "/etc/ssh"))
		default:
			out.WriteString(line)
		}
	}
	a.Stdout = out.String()
	return a
}

// Stage writes the case's files into dir, which stands for /etc/ssh.
func (c *Case) Stage(dir string) error {
	for _, e := range c.entries {
		path := filepath.Join(dir, filepath.FromSlash(e.name))
		var err error
		switch e.kind {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(e.link, path)
		default:
			err = os.WriteFile(path, bytes.ReplaceAll(e.data, []byte("@DIR@"), []byte("/etc/ssh")), 0o600)
		}
		if err != nil {
			return fmt.Errorf("stage %s: %w", c.Name, err)
		}
	}
	return nil
}
