package database

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
)

// setting is a value of a YAML file and its place.
type setting struct {
	value string
	line  int
}

// bounds of a YAML file.
const (
	maxSettings = 10_000
	maxDepth    = 20
)

// settings reads a YAML file as names with dots, which both products take for the
// same as nested ones.
func settings(root hostfs.Root, file string) (map[string]setting, error) {
	text, err := root.ReadFile(file, 0)
	if err != nil {
		return nil, err
	}
	var top yaml.Node
	if err := yaml.Unmarshal(text, &top); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	all := map[string]setting{}
	for _, n := range top.Content {
		if !flatten(all, "", n, 0) {
			return nil, fmt.Errorf("read %s: it has more settings, or deeper ones, than are read", file)
		}
	}
	return all, nil
}

// flatten adds the settings of a node, if there are not too many.
func flatten(all map[string]setting, name string, n *yaml.Node, depth int) bool {
	if depth > maxDepth || len(all) > maxSettings {
		return false
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if name != "" {
				key = name + "." + key
			}
			if !flatten(all, key, n.Content[i+1], depth+1) {
				return false
			}
		}
	case yaml.SequenceNode:
		var words []string
		for _, e := range n.Content {
			words = append(words, e.Value)
		}
		all[name] = setting{strings.Join(words, ","), n.Line}
	case yaml.ScalarNode:
		all[name] = setting{n.Value, n.Line}
	}
	return true
}

// listens reports whether a list of addresses has one that is not of loopback.
func listens(list string) bool {
	for _, v := range strings.Split(list, ",") {
		if !answer.Loopback(strings.TrimSpace(v)) {
			return true
		}
	}
	return false
}

// MongoDB asks mongod.conf.
func (a *Answers) MongoDB(root hostfs.Root, file string) (watch []string, err error) {
	out := answer.New("mongodb", "")
	all, err := settings(root, file)
	if err != nil {
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
		return []string{file}, err
	}
	show := func(name string) string {
		s, ok := all[name]
		if ok {
			out.At(file, s.line, name+": "+s.value)
		}
		return s.value
	}
	ip := show("net.bindIp")
	out.Public = ip != "" && listens(ip) || show("net.bindIpAll") == "true"
	authorized := show("security.authorization") == "enabled" || all["security.keyFile"].value != "" ||
		all["security.clusterAuthMode"].value == "x509"
	switch {
	case authorized:
		out.Say(false, "security.authorization: enabled")
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	default:
		out.Say(true, "it listens on %s without security.authorization", ip)
	}
	a.Open = append(a.Open, out)
	// Whoever is on the host reads everything.
	trust := answer.New("mongodb", "")
	trust.Public, trust.Places = out.Public, out.Places
	trust.Say(!authorized, "security.authorization is not enabled")
	a.Trust = append(a.Trust, trust)
	return []string{file}, nil
}

// Elastic asks the YAML file of Elasticsearch or OpenSearch; library is where its
// library lies, whose name has the release.
func (a *Answers) Elastic(root hostfs.Root, server, file, library string) (watch []string, err error) {
	out := answer.New(server, "")
	all, err := settings(root, file)
	if err != nil {
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
		return []string{file}, err
	}
	for _, name := range []string{"http.host", "network.host", "http.bind_host", "network.bind_host"} {
		if s, ok := all[name]; ok {
			out.Public = listens(strings.Trim(s.value, "[]"))
			out.At(file, s.line, name+": "+s.value)
			break
		}
	}
	name := "xpack.security.enabled"
	if server == "opensearch" {
		name = "plugins.security.disabled"
	}
	security, set := all[name]
	if set {
		out.At(file, security.line, name+": "+security.value)
	}
	switch major := release(root, library); {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case set:
		out.Say((security.value == "true") == (server == "opensearch"), "%s: %s", name, security.value)
	case server == "opensearch":
		out.Say(!root.Exists("/usr/share/opensearch/plugins/opensearch-security"), "its security plugin decides")
	case major == 0:
		out.Unknown("%s is not set, and its default depends on the release, which is not known", name)
	default:
		out.Say(major < 8, "%s is not set, and release %d is it", name, major)
	}
	a.Open = append(a.Open, out)
	return []string{file}, nil
}

// release is the first number of a library's release, elasticsearch-8.11.1.jar; 0
// where it is not known.
func release(root hostfs.Root, library string) int {
	names, err := root.ReadDir(path.Dir(library))
	if err != nil {
		return 0
	}
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, path.Base(library)+"-"); ok && strings.HasSuffix(n, ".jar") {
			major, _, _ := strings.Cut(rest, ".")
			if v, err := strconv.Atoi(major); err == nil {
				return v
			}
		}
	}
	return 0
}
