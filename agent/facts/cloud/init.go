package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

const (
	instance  = "/var/lib/cloud/instance"
	resultOf  = "/var/lib/cloud/data/result.json"
	configOf  = "/etc/cloud/cloud.cfg"
	configDir = "/etc/cloud/cloud.cfg.d"
)

// cloudInit reads what cloud-init is told, did and left.
func (r *reader) cloudInit() {
	i := &r.f.Init
	r.f.Meta.Depend(configOf, configDir+"/", resultOf, instance, "/usr/bin/cloud-init")
	i.Installed = r.root.Exists("/usr/bin/cloud-init") || r.root.Exists(configOf)
	r.result()
	r.config()
	for _, name := range []string{"user-data.txt", "user-data.txt.i", "vendor-data.txt", "vendor-data.txt.i", "vendor-data2.txt", "cloud-config.txt", "scripts/part-001"} {
		if f, ok := r.file(instance + "/" + name); ok {
			i.Files = append(i.Files, f)
			r.f.Meta.Depend(f.Path)
		}
	}
	if f, ok := r.file("/run/cloud-init/instance-data-sensitive.json"); ok {
		i.Files = append(i.Files, f)
	}
	for _, name := range []string{"/var/log/cloud-init.log", "/var/log/cloud-init-output.log"} {
		if f, ok := r.file(name); ok {
			i.Logs = append(i.Logs, f)
		}
	}
}

// result reads how the last run ended.
func (r *reader) result() {
	i := &r.f.Init
	b, err := r.root.ReadFile(resultOf, 0)
	if errors.Is(err, fs.ErrNotExist) {
		i.Result.Reason = "cloud-init has not finished a run: there is no " + resultOf
		return
	}
	var d struct {
		V1 *struct {
			Errors []string `json:"errors"`
		} `json:"v1"`
	}
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil || d.V1 == nil {
		i.Result.Reason = text.Clean(fmt.Sprintf("%s is not understood: %v", resultOf, err), text.Limit)
		return
	}
	for _, e := range d.V1.Errors[:min(len(d.V1.Errors), 20)] { // that there is one counts
		i.Errors = append(i.Errors, text.Clean(e, 300))
	}
	i.Result = fact.Tri{Known: true, Yes: len(i.Errors) == 0, Reason: resultOf}
}

// config reads cloud-init's configuration: of several files the last value counts.
func (r *reader) config() {
	i := &r.f.Init
	files := []string{configOf}
	list, err := r.root.ReadDir(configDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.Reason = text.Clean(err.Error(), text.Limit)
		return
	}
	if len(list) > maxList {
		i.Reason = configDir + " has more files than are read"
		return
	}
	for _, name := range list {
		if strings.HasSuffix(name, ".cfg") {
			files = append(files, configDir+"/"+name)
		}
	}
	for _, name := range files {
		b, err := r.root.ReadFile(name, 256<<10)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			i.Reason = text.Clean(err.Error(), text.Limit)
			return
		}
		r.configFile(name, b)
	}
	i.ConfigKnown = true
}

// configFile reads one file. One that is no YAML sets nothing, as with cloud-init.
func (r *reader) configFile(name string, b []byte) {
	top, err := mapping(b)
	if err != nil {
		return
	}
	i := &r.f.Init
	for key, value := range pairs(top) {
		at := fact.Text{Value: text.Clean(value.Value, 64), Set: true, File: name, Line: value.Line, Raw: key.Value}
		switch key.Value {
		case "ssh_pwauth":
			at.Raw = "ssh_pwauth: " + at.Value
			if slices.Contains([]string{"true", "yes", "1", "on"}, strings.ToLower(at.Value)) {
				at.Value = "true"
			}
			i.PwAuth = at
		case "datasource_list":
			var all []string
			for _, n := range value.Content {
				all = append(all, text.Clean(n.Value, 64))
			}
			at.Value = strings.Join(all, ", ")
			at.Raw = "datasource_list: " + at.Value
			i.Sources = at
			i.Pinned = len(slices.DeleteFunc(all, func(s string) bool { return s == "None" })) == 1
		case "password", "chpasswd", "users", "user", "system_info":
			r.passwords(name, key, value, 0)
		}
	}
}

// passwords keeps the places at which passwords are set.
func (r *reader) passwords(name string, key, value *yaml.Node, depth int) {
	const deepest = 6
	i := &r.f.Init
	if setsPassword(key.Value, value) && len(i.Passwords) < maxList { // that there is one counts
		i.Passwords = append(i.Passwords, fact.Text{Value: key.Value, Set: true, File: name, Line: key.Line, Raw: key.Value + ": …"})
		return
	}
	if depth >= deepest {
		if len(value.Content) > 0 {
			r.f.Meta.Leave("init.passwords", text.Clean(name, text.Limit)+" is nested deeper than is looked at")
		}
		return
	}
	for k, v := range pairs(value) {
		r.passwords(name, k, v, depth+1)
	}
	if value.Kind == yaml.SequenceNode {
		for _, v := range value.Content {
			r.passwords(name, &yaml.Node{}, v, depth+1)
		}
	}
}

// setsPassword reports whether a key sets a password: not a random one, nor none.
func setsPassword(key string, value *yaml.Node) bool {
	given := value.Kind == yaml.ScalarNode && value.Value != ""
	switch key {
	case "password", "passwd", "plain_text_passwd", "hashed_passwd":
		return given && !slices.Contains([]string{"RANDOM", "R", "*"}, value.Value) && !strings.HasPrefix(value.Value, "!")
	case "list":
		return given || len(value.Content) > 0
	}
	return false
}

// mapping reads a document that is a mapping; an empty one is none.
func mapping(b []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it is no mapping")
	}
	return doc.Content[0], nil
}

// pairs goes through keys and values.
func pairs(n *yaml.Node) func(func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}
