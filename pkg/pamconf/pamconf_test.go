package pamconf

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"seawall/pkg/hostfs/image"
)

// stackOf loads one service whose files stand in /etc/pam.d.
func stackOf(t testing.TB, files map[string]string, kind Type) Stack {
	t.Helper()
	in := map[string]string{}
	for name, text := range files {
		in["etc/pam.d/"+name] = text
	}
	l := &Loader{Root: image.Of(t, in)}
	s, err := l.Load("svc")
	if err != nil {
		t.Fatal(err)
	}
	return s.Stack(kind)
}

// debug answers as pam_debug does, by its arguments.
func debug(r *Rule) string {
	name := "auth"
	if r.Type == Account {
		name = "acct"
	}
	v, ok := r.Arg(name)
	switch {
	case r.Module == "pam_none":
		return "module_unknown"
	case !ok:
		return "success" // pam_permit
	}
	return v
}

type walk struct {
	number, kind, want string
	files              map[string]string
}

// corpus are configurations made at random out of pam_debug, and what libpam 1.5.2
// answered (pam_start_confdir, pam_authenticate or pam_acct_mgmt).
func corpus(t testing.TB) (all []walk) {
	t.Helper()
	packed, err := os.ReadFile("testdata/libpam.txtar.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	w := walk{files: map[string]string{}}
	for part := range strings.SplitSeq("\n"+string(text), "\n-- ") {
		name, body, ok := strings.Cut(part, " --\n")
		number, file, _ := strings.Cut(strings.TrimSuffix(name, " --"), "/")
		if kind, want, last := strings.Cut(file, "="); last {
			w.number, w.kind, w.want = number, kind, want
			all = append(all, w)
			w = walk{files: map[string]string{}}
		} else if ok {
			w.files[file] = body + "\n"
		}
	}
	return all
}

// TestLibpam: every walk ends as libpam's.
func TestLibpam(t *testing.T) {
	all := corpus(t)
	if len(all) < 600 {
		t.Fatalf("%d walks", len(all))
	}
	for _, w := range all {
		got := stackOf(t, w.files, Type(w.kind)).Run(debug).Result
		if got != w.want && !strings.HasPrefix(w.want, "start") { // libpam started nothing: an @include of no file
			t.Errorf("%s: got %s, libpam %s\n%v", w.number, got, w.want, w.files)
		}
	}
}
