package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The document, as far as it is used here: https://spdx.github.io/spdx-spec/v2.3/
type spdx struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []component    `json:"packages"`
	Files         []program      `json:"files"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type component struct {
	Name       string      `json:"name"`
	ID         string      `json:"SPDXID"`
	Version    string      `json:"versionInfo"`
	Location   string      `json:"downloadLocation"`
	Analyzed   bool        `json:"filesAnalyzed"`
	Concluded  string      `json:"licenseConcluded"`
	Declared   string      `json:"licenseDeclared"`
	Copyright  string      `json:"copyrightText"`
	SourceInfo string      `json:"sourceInfo,omitempty"`
	References []reference `json:"externalRefs,omitempty"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type program struct {
	Name      string     `json:"fileName"`
	ID        string     `json:"SPDXID"`
	Types     []string   `json:"fileTypes"`
	Checksums []checksum `json:"checksums"`
	Concluded string     `json:"licenseConcluded"`
	Copyright string     `json:"copyrightText"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const unknown = "NOASSERTION"

func newComponent(name, version string) component {
	return component{Name: name, ID: id("Package", name+"-"+version), Version: version, Location: unknown,
		Concluded: unknown, Declared: unknown, Copyright: unknown}
}

// id returns an identifier of letters, digits, dots and dashes.
func id(kind, name string) string {
	return "SPDXRef-" + kind + "-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, name)
}

// sbom writes the bill of materials of one package with these programs.
func sbom(out io.Writer, name, version string, when time.Time, programs []string) error {
	whole := newComponent(name, version)
	whole.Concluded, whole.Declared = "Apache-2.0", "Apache-2.0"
	doc := spdx{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name + "-" + version,
		Creation:      creation{when.Format(time.RFC3339), []string{"Tool: seawall-pack"}},
		Relationships: []relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", whole.ID}},
	}
	modules := map[string]component{}
	for _, path := range programs {
		file, parts, err := inspect(path)
		if err != nil {
			return err
		}
		doc.Files = append(doc.Files, file)
		doc.Relationships = append(doc.Relationships, relationship{whole.ID, "CONTAINS", file.ID})
		for _, m := range parts {
			modules[m.ID] = m
			doc.Relationships = append(doc.Relationships, relationship{file.ID, "DEPENDS_ON", m.ID})
		}
	}
	doc.Packages = []component{whole}
	for _, key := range slices.Sorted(maps.Keys(modules)) {
		doc.Packages = append(doc.Packages, modules[key])
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(doc); err != nil {
		return fmt.Errorf("bill of materials: %w", err)
	}
	doc.Namespace = "https://spdx.org/spdxdocs/" + doc.Name + "-" + hex.EncodeToString(sum.Sum(nil)[:16])
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	return enc.Encode(doc)
}

// inspect returns a program and the modules that it is made of, the Go release among them.
func inspect(path string) (program, []component, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return program{}, nil, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return program{}, nil, fmt.Errorf("build information: %w", err)
	}
	sum := sha256.Sum256(data)
	name := "/usr/bin/" + filepath.Base(path)
	file := program{Name: name, ID: id("File", filepath.Base(path)), Types: []string{"BINARY"},
		Checksums: []checksum{{"SHA256", hex.EncodeToString(sum[:])}}, Concluded: unknown, Copyright: unknown}
	std := newComponent("stdlib", strings.TrimPrefix(info.GoVersion, "go"))
	std.Concluded, std.Declared = "BSD-3-Clause", "BSD-3-Clause"
	std.References = []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/stdlib@" + std.Version}}
	parts := []component{std}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := newComponent(m.Path, m.Version)
		c.Location = "https://proxy.golang.org/" + m.Path + "/@v/" + m.Version + ".zip"
		c.SourceInfo = "go.sum " + m.Sum
		c.References = []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.Path + "@" + m.Version}}
		parts = append(parts, c)
	}
	return file, parts, nil
}
