package packaging

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestExamples has a shell read what is a shell's in the examples, and looks for
// secrets where they would stay: in arguments, in what Terraform and Ansible keep.
func TestExamples(t *testing.T) {
	if out, err := exec.Command("sh", "-n", "examples/doctl.sh").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	terraform, err := os.ReadFile("examples/terraform/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?s)<<-EOT\n(.*?)\n *EOT`).FindSubmatch(terraform)
	if command == nil {
		t.Fatal("no command")
	}
	cmd := exec.Command("bash", "-n")
	cmd.Stdin = strings.NewReader(string(command[1]))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	for _, stays := range []string{`data "`, "user_data", `output "`} {
		if strings.Contains(string(terraform), stays) {
			t.Errorf("Terraform keeps what comes by %q", stays)
		}
	}
	text, err := os.ReadFile("examples/ansible.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var plays []struct {
		Tasks []map[string]any `yaml:"tasks"`
	}
	if err := yaml.Unmarshal(text, &plays); err != nil || len(plays) != 1 {
		t.Fatal(plays, err)
	}
	secrets := 0
	for _, task := range plays[0].Tasks {
		one, err := yaml.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(one); strings.Contains(s, "seawall_token") {
			secrets++
			if task["no_log"] != true || strings.Contains(s, "cmd: seawall-uplink setup") && !strings.Contains(s, "stdin:") {
				t.Errorf("%v shows the token", task["name"])
			}
		}
	}
	if secrets != 2 {
		t.Errorf("%d tasks with a token", secrets)
	}
}
