package updates

import (
	"seawall/pkg/apt/conf"
	"seawall/pkg/apt/origin"
	"seawall/pkg/apt/pocket"
)

// origins asks whether unattended-upgrade may install what the security pockets
// offer.
func (r *reader) origins(tree *conf.Tree) {
	p := &r.f.Configured
	patterns, bad := r.patterns(tree)
	if bad != nil {
		p.see(bad.File, bad.Line, bad.String())
		p.answer(true, false, "unattended-upgrade cannot read %s", bad)
		return
	}
	pockets, err := pocket.Security(r.root, r.os)
	if err != nil {
		p.answer(false, false, "%v", err)
		return
	}
	if len(pockets) == 0 {
		p.answer(false, false, "no security pocket is known for this host")
		return
	}
	for _, of := range pockets {
		known, covered := true, false
		for _, pattern := range patterns {
			switch ok, sure := pattern.Matches(of); {
			case ok && !covered:
				covered = true
				p.see(pattern.File, pattern.Line, pattern.Setting.String()+" covers "+of.String())
			case !sure:
				known = false
			}
		}
		if !covered {
			p.answer(known, false, "no origin that unattended-upgrade may install from covers %s", of)
			return
		}
	}
	if p.Answer.Reason == "" {
		p.answer(true, true, "unattended-upgrade may install from every security pocket")
	}
}

// pattern is an allowed origin and where it stands.
type pattern struct {
	Setting
	origin.Pattern
}

// patterns reads Allowed-Origins and Origins-Pattern, or returns the one on which
// unattended-upgrade would end.
func (r *reader) patterns(tree *conf.Tree) (all []pattern, bad *Setting) {
	d := pocket.Distribution(r.root, r.os)
	for _, list := range []struct {
		name  string
		parse func(string, origin.Distribution) (origin.Pattern, bool)
	}{{upgrade + "Allowed-Origins", origin.Allowed}, {upgrade + "Origins-Pattern", origin.Parse}} {
		for _, v := range tree.List(list.name) {
			s := Setting{list.name, v.Text, true, v.File, v.Line}
			r.setting(s)
			p, ok := list.parse(v.Text, d)
			if !ok {
				return nil, &s
			}
			all = append(all, pattern{s, p})
		}
	}
	return all, nil
}
