package match_test

import (
	"fmt"

	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
	"seawall/pkg/sigma/rulefile"
)

func Example() {
	rules, err := rulefile.Parse("shell.yml", []byte(`
title: Shell of a web server
logsource: {product: linux, category: process_creation}
detection:
    parent: {ParentImage|endswith: [/nginx, /apache2]}
    shell: {Image|endswith: [/sh, /bash, /dash]}
    filter_main_rotate: {CommandLine|contains: logrotate}
    condition: parent and shell and not 1 of filter_main_*
level: high
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	taxonomy := event.Taxonomy{{
		Logsource: event.Logsource{Product: "linux", Category: "process_creation"},
		Fields:    map[string]event.Field{"Image": 0, "CommandLine": 1, "ParentImage": 2},
	}}
	m, err := match.Compile(rules, taxonomy)
	if err != nil {
		fmt.Println(err)
		return
	}
	var e event.Event
	e.Reset(0)
	e.Add(0, []byte("/usr/bin/dash"))
	e.Add(1, []byte("sh -c id"))
	e.Add(2, []byte("/usr/sbin/nginx"))
	for _, r := range m.Match(&e, m.NewScratch()) {
		rule := &rules[r.Rule]
		fmt.Printf("%s: %s\n", rule.Level, rule.Title)
		for i, s := range rule.Selections {
			if r.Selections&(1<<i) != 0 {
				fmt.Println("because of", s.Name)
			}
		}
	}
	// Output:
	// high: Shell of a web server
	// because of parent
	// because of shell
}
