package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"seawall/scripts/load/dashboard"
)

// maxPages bounds the kinds of pages: a dashboard that names its pages by what hosts
// say would have no end.
const maxPages = 100

// kind is what the paths of one kind of page have in common: no query, and a star for
// what names a thing.
func kind(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = regexp.MustCompile(`^/(checks|users)/[^/]+`).ReplaceAllString(path, "/$1/*")
	return regexp.MustCompile(`[0-9a-f]{16,32}|/\d+\b`).ReplaceAllStringFunc(path, func(s string) string {
		if s[0] == '/' {
			return "/*"
		}
		return "*"
	})
}

// name is the name of a picture's file, without its end.
func name(kind string) string {
	s := strings.Trim(strings.NewReplacer("/*", "-one", "/", "-").Replace(kind), "-")
	if s == "" {
		return "overview"
	}
	return s
}

// crawl returns the first path of each kind of page that links lead to. The API, files
// to download and streams are no pages.
func crawl(ctx context.Context, d *dashboard.Dashboard) (map[string]string, error) {
	pages := map[string]string{}
	todo := []string{"/"}
	seen := map[string]bool{}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		k := kind(path)
		if seen[k] || regexp.MustCompile(`^/(api|static|events|metrics)\b|/export\b|/logout|\.(csv|json)\b`).MatchString(path) {
			continue
		}
		page, err := d.Get(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", path, err)
		}
		if page.Status != http.StatusOK || !strings.HasPrefix(page.Type, "text/html") {
			continue
		}
		seen[k] = true
		pages[k] = path
		if len(pages) > maxPages {
			return nil, fmt.Errorf("more than %d kinds of pages, the last is %s: is its name a thing's?", maxPages, k)
		}
		todo = append(todo, page.Links()...)
	}
	return pages, nil
}
