// Package webroot reads from the configurations of nginx and Apache's httpd which
// directories they give to the world, and which paths they refuse to give.
//
// A host with neither has no roots. Where a configuration cannot be read, or names
// no root, the distribution's own directory counts. What an application server
// gives away, and what a proxy before the host refuses, is not known.
package webroot

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"seawall/pkg/apacheconf"
	"seawall/pkg/hostfs"
	"seawall/pkg/nginxconf"
)

// maxRoots bounds roots, and rules that refuse.
const maxRoots = 100

// Sites is what the web servers give.
type Sites struct {
	Roots   []string
	More    bool     // there are others
	Depends []string // names that the answer depends on
	refused []*regexp.Regexp
}

// Load reads the configurations of a host's web servers.
func Load(root hostfs.Root) Sites {
	var s Sites
	if root.Exists(nginxconf.DefaultPath) {
		before := len(s.Roots)
		tree, err := nginxconf.Load(root, nginxconf.DefaultPath)
		if tree != nil {
			s.Depends = append(s.Depends, tree.Watch...)
			s.nginx(tree.Directives)
		}
		if err != nil || len(s.Roots) == before {
			s.add("/var/www/html")
			s.add("/usr/share/nginx/html")
		}
	}
	for _, file := range apacheconf.Paths() {
		if !root.Exists(file) {
			continue
		}
		before := len(s.Roots)
		tree, err := apacheconf.Load(root, file)
		if tree != nil {
			s.Depends = append(s.Depends, tree.Watch...)
			s.apache(tree.Directives)
		}
		if err != nil || len(s.Roots) == before {
			s.add("/var/www/html")
		}
	}
	return s
}

// Denied reports whether a path of a URL is refused by a rule of any site.
func (s *Sites) Denied(url string) bool {
	if strings.HasSuffix(url, "/.git") {
		url += "/config"
	}
	return slices.ContainsFunc(s.refused, func(r *regexp.Regexp) bool { return r.MatchString(url) })
}

func (s *Sites) add(dir string) {
	dir = path.Clean(dir)
	switch {
	case !path.IsAbs(dir) || strings.Contains(dir, "$") || slices.Contains(s.Roots, dir):
	case len(s.Roots) == maxRoots:
		s.More = true
	default:
		s.Roots = append(s.Roots, dir)
	}
}

// refuse adds a rule. Patterns that Go does not know, long ones and those beyond the
// bound refuse nothing here.
func (s *Sites) refuse(pattern string) {
	const longest = 300
	if len(pattern) > longest || len(s.refused) >= maxRoots {
		return
	}
	if r, err := regexp.Compile(pattern); err == nil {
		s.refused = append(s.refused, r)
	}
}

func (s *Sites) nginx(list []nginxconf.Directive) {
	for i := range list {
		d := &list[i]
		if (d.Name == "root" || d.Name == "alias") && len(d.Args) == 1 {
			s.add(d.Args[0])
		}
		if d.Name == "location" && len(d.Args) == 2 && strings.HasPrefix(d.Args[0], "~") && denies(d) {
			s.refuse(strings.ReplaceAll(d.Args[1], `\/`, "/"))
		}
		s.nginx(d.Block)
	}
}

// denies reports whether a location answers with a refusal.
func denies(d *nginxconf.Directive) bool {
	return slices.ContainsFunc(d.Block, func(b nginxconf.Directive) bool {
		return len(b.Args) > 0 && (b.Name == "deny" && b.Args[0] == "all" || b.Name == "return" && strings.HasPrefix(b.Args[0], "4"))
	})
}

func (s *Sites) apache(list []apacheconf.Directive) {
	for i := range list {
		d := &list[i]
		switch {
		case d.Name == "documentroot" && len(d.Args) == 1:
			s.add(d.Args[0])
		case d.Name == "redirectmatch" && len(d.Args) == 2 && strings.HasPrefix(d.Args[0], "4"):
			s.refuse(d.Args[1])
		case (d.Name == "directorymatch" || d.Name == "locationmatch") && len(d.Args) > 0 && closed(d):
			s.refuse(d.Args[len(d.Args)-1])
		case d.Name == "filesmatch" && len(d.Args) > 0 && closed(d):
			s.refuse("(^|/)" + strings.TrimPrefix(d.Args[len(d.Args)-1], "^"))
		}
		s.apache(d.Block)
	}
}

func closed(d *apacheconf.Directive) bool {
	return slices.ContainsFunc(d.Block, func(b apacheconf.Directive) bool {
		return b.Name == "require" && strings.EqualFold(strings.Join(b.Args, " "), "all denied") ||
			b.Name == "deny" && strings.EqualFold(strings.Join(b.Args, " "), "from all")
	})
}
