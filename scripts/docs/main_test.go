package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tool is a program with a help like cobra's.
const tool = `#!/bin/sh
case "$*" in
--help) printf 'Tool does things.\n\nUsage:\n  tool [command]\n\nAvailable Commands:\n  completion  Shell completion\n  run         Run it\n\nFlags:\n  -h, --help   help for tool\n\nUse "tool [command] --help" for more information about a command.\n' ;;
"run --help") printf 'Run it, and say so.\n.a line with a dot and a \\ in it\n\nUsage:\n  tool run [flags]\n\nFlags:\n  --dir DIR   where\n' ;;
"completion "*) echo "# completion for $2" ;;
*) exit 1 ;;
esac
`

func TestDocument(t *testing.T) {
	bin, out, prose := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "tool"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(prose, "tool.man"), []byte(".\\\" do things\n.SH FILES\nNone.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := document(bin, out, prose, "tool", "8"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"man8/tool.8": ".TH TOOL 8 \"\" Seawall \"System Administration\"\n.nh\n.ad l\n.SH NAME\ntool \\- do things\n" +
			".SH SYNOPSIS\n.nf\n  tool [command]\n.fi\n.SH DESCRIPTION\n.nf\nTool does things.\n.fi\n" +
			".SH AVAILABLE COMMANDS\n.nf\n  completion  Shell completion\n  run         Run it\n.fi\n" +
			".SH FLAGS\n.nf\n  \\-h, \\-\\-help   help for tool\n.fi\n.SH FILES\nNone.\n",
		"man8/tool-run.8": ".TH TOOL\\-RUN 8 \"\" Seawall \"System Administration\"\n.nh\n.ad l\n.SH NAME\ntool\\-run \\- Run it\n" +
			".SH SYNOPSIS\n.nf\n  tool run [flags]\n.fi\n.SH DESCRIPTION\n.nf\nRun it, and say so.\n\\&.a line with a dot and a \\e in it\n.fi\n" +
			".SH FLAGS\n.nf\n  \\-\\-dir DIR   where\n.fi\n.SH SEE ALSO\n.BR tool (8)\n",
		"completions/bash/tool":      "# completion for bash\n",
		"completions/zsh/_tool":      "# completion for zsh\n",
		"completions/fish/tool.fish": "# completion for fish\n",
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", name, diff)
		}
	}
}

func TestProgramWithoutHelp(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "tool"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := document(bin, t.TempDir(), t.TempDir(), "tool", "1"); err == nil {
		t.Error("no error")
	}
}
