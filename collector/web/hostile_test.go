package web_test

import (
	"fmt"
	"math"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// hostileStrings returns texts that try to leave the place where a page shows
// them. Each that runs script calls alert.
func hostileStrings() []string {
	breakouts := []string{"", `"`, `'`, "`", `">`, `'>`, `-->`, `</title>`, `</style>`, `</script>`, `</textarea>`, `</svg>`, `</code></details>`, `]]>`, `</bdi></a>`}
	payloads := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`,
		`<iframe srcdoc="<script>parent.alert(1)</script>">`, `<details open ontoggle=alert(1)>`, `<a href="javascript:alert(1)">x</a>`,
		` onmouseover=alert(1) autofocus onfocus=alert(1) x=`, `<style>@import'//evil.example'</style>`, `<base href=//evil.example/>`,
		`<meta http-equiv=refresh content=0;url=//evil.example>`, `<form action=//evil.example><button>x`, `<template><script>alert(1)</script></template>`,
	}
	var all []string
	for _, b := range breakouts {
		for _, p := range payloads {
			all = append(all, b+p)
		}
	}
	return append(all,
		`javascript:alert(1)`, "java\nscript:alert(1)", "\x01javascript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:msgbox(1)`,
		`{{.Form}}`, `{{template "page" .}}`, "${alert(1)}", `%3Cscript%3Ealert(1)%3C/script%3E`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;`,
		`<!--`, `<!--><script>alert(1)//-->`, `<![CDATA[<script>alert(1)</script>]]>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<x/onclick=alert(1)>`, `<input autofocus onfocus=alert(1)>`,
		"\u202egpj.exe\u202c", "\u2066a\u2069", "\u200f\u061c", "a\x00b", "\x1b]0;title\x07\x1b[31mred", "line one\nline two\r\nline three", "\u2028\u2029", "\ufeff", "\ufffd",
		"e"+strings.Repeat("\u0301", 300), strings.Repeat("W", 4000), strings.Repeat("wide word ", 400), strings.Repeat("漢", 1300), strings.Repeat("<", 4000), strings.Repeat("&amp;", 800),
		"../../../etc/passwd", "a/b?c#d", "%2e%2e%2f", "?fragment=all", "..", "//evil.example/x", `\\evil.example\x`, "https://user:pass@evil.example/", `https://evil.example/"onclick=alert(1)`,
		"👩‍👩‍👧‍👦🏳️‍🌈", "\U000e0041\U000e007f", "id: 1\nevent: change\ndata: {}\n\n", "\n\ndata: x\n\n", `","row":"<img src=x onerror=alert(1)>"`, `__proto__`, `constructor`,
	)
}

// addHostile adds a host and results with every text replaced by one of texts,
// and every number by one that no host has; it returns the host.
func addHostile(d *demo, texts []string) fleet.HostID {
	d.mu.Lock() // a page may be looking
	defer d.mu.Unlock()
	n := 0
	next := func() string {
		n++
		return texts[(n-1)%len(texts)]
	}
	far := time.Date(292_277_026, 12, 4, 15, 30, 7, 0, time.UTC)
	host := finding.Host{
		Name: next(), OS: next(), OSID: next(), OSVersion: next(), MachineID: next(), Kernel: next(), Arch: next(), DropletID: next(), Region: next(),
		Tags: texts[:min(30, len(texts))], AgentVersion: next(), BootTime: far, UptimeSeconds: math.MaxUint64, Load1: math.NaN(), Load5: math.Inf(1), Load15: -1,
		MemoryTotal: math.MaxUint64, MemoryFree: math.MaxUint64, CPUs: math.MaxUint32,
	}
	d.addHost(host, fleet.Presence(next()), -math.MaxInt64)
	i := len(d.hosts) - 1
	d.hosts[i].Agent = finding.Counters{AuditMode: next(), AuditReason: next(), KernelLost: math.MaxUint64, CPUSeconds: math.Inf(1), UptimeSeconds: math.MaxUint64, SpoolBytes: math.MaxUint64}
	d.hosts[i].Member = &fleet.Member{
		Standing: fleet.Standing(next()), Reason: next(), Token: next(), CloneOf: fleet.HostID(next()), Since: far, Enrolled: far, Expires: far,
		Recoveries: math.MaxInt, Recovered: far, Archived: far,
	}
	d.asking = append(d.asking, fleet.Request{
		ID: next(), Token: next(), CloneOf: fleet.HostID(next()), Asked: far, Again: far, Decision: fleet.Waiting,
		Machine: fleet.Machine{HostName: next(), DropletID: next(), MachineID: next(), ProductUUID: next()},
	})
	addHostileDetections(d, i, texts, next, far)
	statuses := []finding.Status{finding.StatusFail, finding.StatusPass, finding.StatusUnknown, finding.StatusError, finding.StatusWaived, finding.Status(77)}
	for k := range texts {
		check := "hostile-" + fmt.Sprint(k)
		if k%4 == 0 {
			check = texts[k]
		}
		r := finding.Result{
			Check: check, Resource: next(), Status: statuses[k%len(statuses)], Severity: finding.Severity(k % 9), Actual: texts[k], Expected: next(),
			Evidence: []finding.Evidence{{File: next(), Line: -k, Text: texts[k]}, {File: texts[k], Line: math.MaxInt, Text: next()}}, Time: far, Since: far, Group: texts[k/3*3],
			Cause: &finding.Cause{
				Serial: math.MaxUint64, Time: far, AUID: uint32(k), LoginUser: texts[k], UID: finding.Unset, User: next(), Session: finding.Unset,
				TTY: texts[k], Exe: next(), Command: texts[k], Path: next(), Operation: texts[k],
			},
		}
		if k%5 == 0 {
			r.Check, r.Status, r.Group = "patch-security-updates", finding.StatusFail, next()
			r.Evidence[0].Text, r.Evidence[1].Text = "held: "+texts[k], r.Expected+" in "+texts[k]+", source x"
		}
		d.checks[r.Check] = finding.CheckInfo{
			ID: r.Check, Family: texts[k], Title: next(), Severity: 4, Rationale: texts[k] + "\n" + next(), Remediation: texts[k],
			References: []string{texts[k], next(), "https://example.org/" + texts[k]},
		}
		d.apply(i, r, d.now)
	}
	return d.hosts[i].ID
}
