package main

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents)([.-].*)?$`)

// licenses writes what the authors of the modules in programs want said with them: their licenses and
// notices, each text once, with the modules that it is of. cache is the module cache that the programs
// were built from, goroot the Go release. A module without any is an error.
func licenses(out io.Writer, cache, goroot string, programs []string) error {
	sources := map[string]string{}
	for _, path := range programs {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s: build information: %w", path, err)
		}
		sources["Go "+strings.TrimPrefix(info.GoVersion, "go")] = goroot
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			sources[m.Path+" "+m.Version] = filepath.Join(cache, filepath.FromSlash(escaped(m.Path))+"@"+escaped(m.Version))
		}
	}
	owners := map[string][]string{} // of each text
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		texts, err := said(sources[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, text := range texts {
			owners[text] = append(owners[text], name)
		}
	}
	order := slices.SortedFunc(maps.Keys(owners), func(a, b string) int {
		return cmp.Or(slices.Compare(owners[a], owners[b]), strings.Compare(a, b))
	})
	for _, text := range order {
		rule := strings.Repeat("-", 78)
		if _, err := fmt.Fprintf(out, "%s\n%s\n%s\n\n%s\n\n", rule, strings.Join(owners[text], "\n"), rule, text); err != nil {
			return err
		}
	}
	return nil
}

// said returns the texts of a module's root folder.
func said(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenseFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("no license in %s", dir)
	}
	return texts, nil
}

// escaped is how the module cache writes a path: file systems may not tell capitals from small letters.
func escaped(path string) string {
	return regexp.MustCompile(`[A-Z]`).ReplaceAllStringFunc(path, func(s string) string { return "!" + strings.ToLower(s) })
}
