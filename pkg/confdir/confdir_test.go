package confdir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

func conf(name string) bool { return strings.HasSuffix(name, ".conf") }

// TestFiles: by name, whatever the directory, and of two of a name the stronger one.
func TestFiles(t *testing.T) {
	root := image.Of(t, map[string]string{"etc/x.d/20.conf": "", "etc/x.d/.5.conf": "", "etc/x.d/README": "", "usr/lib/x.d/20.conf": "", "usr/lib/x.d/10.conf": "", "usr/lib/x.d/30.conf": ""})
	files, problems := Files(root, []string{"/etc/x.d", "/run/x.d", "/usr/lib/x.d"}, conf)
	if diff := cmp.Diff([]string{"/usr/lib/x.d/10.conf", "/etc/x.d/20.conf", "/usr/lib/x.d/30.conf"}, files); diff != "" || problems != nil {
		t.Error(diff, problems)
	}
}

// TestProblems: a file in place of a directory, and more files than are listed.
func TestProblems(t *testing.T) {
	host := map[string]string{"etc/x.d": ""}
	for i := range Most + 1 {
		host[fmt.Sprintf("usr/lib/x.d/%04d.conf", i)] = ""
	}
	files, problems := Files(image.Of(t, host), []string{"/etc/x.d", "/usr/lib/x.d"}, conf)
	if len(files) != Most || len(problems) != 2 || problems[1] != "more than 512 files" {
		t.Errorf("%d files, %q", len(files), problems)
	}
}
