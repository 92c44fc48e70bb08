package containers

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/fact"
	"seawall/pkg/redact"
	"seawall/pkg/text"
	"seawall/pkg/toml"
)

// podman reads registries.conf and the files beside it
// (containers-registries.conf(5)): of a drop-in a list takes the place of the one
// before, tables of registries are added.
func (r *reader) podman() {
	p := &r.f.Podman
	const first, dir = "/etc/containers/registries.conf", "/etc/containers/registries.conf.d"
	r.f.Meta.Depend(first, dir+"/")
	files := []string{first}
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.f.Meta.Leave("podman", clean(err.Error()))
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".conf") {
			files = append(files, dir+"/"+n)
		}
	}
	files = bounded(&r.f.Meta, "podman", "files of registries", files)
	p.Known = true
	defer func() {
		p.Insecure = bounded(&r.f.Meta, "podman.insecure", "insecure registries", p.Insecure)
		p.Search = bounded(&r.f.Meta, "podman.search", "registries", p.Search)
	}()
	for _, name := range files {
		t, err := r.toml(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			p.Known, p.Reason = false, clean(err.Error())
			return
		}
		p.registries(name, t)
	}
}

// registries takes the settings of one file.
func (p *Podman) registries(name string, t *toml.Table) {
	if list, ok := t.Values["unqualified-search-registries"].([]any); ok {
		p.Search = []fact.Text{}
		for _, one := range list[:min(len(list), maxList+1)] {
			p.Search = append(p.Search, fact.Text{Value: clean(redact.Image(fmt.Sprint(one))), Set: true, File: name, Line: t.Line})
		}
	}
	if mode := t.Text("short-name-mode"); mode != "" {
		p.ShortName = fact.Text{Value: clean(mode), Set: true, File: name, Line: t.Line}
	}
	for _, reg := range t.Tables("registry") {
		for _, one := range append(reg.Tables("mirror"), reg) {
			if one.Values["insecure"] == toml.Bare("true") && len(p.Insecure) <= maxList {
				location := one.Text("location")
				if location == "" {
					location = one.Text("prefix")
				}
				location = clean(redact.Image(location))
				p.Insecure = append(p.Insecure, fact.Text{Value: location, Set: true, File: name, Line: one.Line,
					Raw: text.Clean(fmt.Sprintf("location = %q, insecure = true", location), maxName)})
			}
		}
	}
	// Version 1 of the format: [registries.insecure] registries = […].
	old, _ := t.Values["registries"].(*toml.Table)
	if old == nil {
		return
	}
	insecure, _ := old.Values["insecure"].(*toml.Table)
	if insecure == nil {
		return
	}
	list, _ := insecure.Values["registries"].([]any)
	for _, one := range list[:min(len(list), maxList+1)] {
		p.Insecure = append(p.Insecure, fact.Text{Value: clean(fmt.Sprint(one)), Set: true, File: name, Line: insecure.Line})
	}
}

func (r *reader) toml(name string) (*toml.Table, error) {
	b, err := r.root.ReadFile(name, toml.MaxSize)
	if err != nil {
		return nil, err
	}
	t, err := toml.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// containerd reads /etc/containerd/config.toml.
func (r *reader) containerd() {
	const name = "/etc/containerd/config.toml"
	c := &r.f.Containerd
	r.f.Meta.Depend(name)
	t, err := r.toml(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Known = true
		return
	case err != nil:
		c.Reason = clean(err.Error())
		return
	}
	c.Known = true
	grpc, _ := t.Values["grpc"].(*toml.Table)
	if grpc == nil {
		return
	}
	if address := grpc.Text("tcp_address"); address != "" {
		c.TCP = fact.Text{Value: clean(address), Set: true, File: name, Line: grpc.Line, Raw: text.Clean(fmt.Sprintf("tcp_address = %q", address), maxName)}
	}
}

// kubelet reads the configuration file and the flags, which win
// (KubeletConfiguration v1beta1).
func (r *reader) kubelet() {
	k := &r.f.Kubelet
	flags := r.unitFlags("kubelet.service", "kubelet")
	if flags.left != "" {
		r.f.Meta.Leave("kubelet", flags.left)
	}
	name := "/var/lib/kubelet/config.yaml"
	if f, ok := flags.last("config"); ok && strings.HasPrefix(f.value, "/") {
		name = f.value
	}
	r.f.Meta.Depend(clean(name))
	b, err := r.root.ReadFile(name, 0)
	k.Known = true
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Without a file the flags' own defaults hold, which are open.
		k.Anonymous, k.Authorization, k.ReadOnlyPort = fact.Text{Value: "true"}, fact.Text{Value: "AlwaysAllow"}, fact.Text{Value: "10255"}
	case err != nil:
		k.Known, k.Reason = false, clean(err.Error())
		return
	default:
		k.Anonymous, k.Authorization, k.ReadOnlyPort = fact.Text{Value: "false"}, fact.Text{Value: "Webhook"}, fact.Text{Value: "0"}
		var doc yaml.Node
		if err := yaml.Unmarshal(b, &doc); err != nil {
			k.Known, k.Reason = false, text.Clean(fmt.Sprintf("%s: %v", name, err), maxName)
			return
		}
		from(&doc, name, &k.Anonymous, "authentication", "anonymous", "enabled")
		from(&doc, name, &k.Authorization, "authorization", "mode")
		from(&doc, name, &k.ReadOnlyPort, "readOnlyPort")
	}
	for _, f := range flags.flags {
		t := fact.Text{Value: clean(f.value), Set: true, File: f.file, Line: f.line, Raw: f.raw}
		switch f.name {
		case "anonymous-auth":
			if t.Value == "" {
				t.Value = "true"
			}
			k.Anonymous = t
		case "authorization-mode":
			k.Authorization = t
		case "read-only-port":
			k.ReadOnlyPort = t
		}
	}
}

// from takes a value out of a document, by the keys that lead to it.
func from(n *yaml.Node, file string, into *fact.Text, keys ...string) {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, key := range keys {
		var next *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		if next == nil {
			return
		}
		n = next
	}
	if n.Kind == yaml.ScalarNode {
		*into = fact.Text{Value: clean(n.Value), Set: true, File: clean(file), Line: n.Line, Raw: clean(keys[len(keys)-1] + ": " + n.Value)}
	}
}
