package wire

import (
	"crypto/sha256"
	"slices"
	"strings"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

const (
	// partBytes is the size of a part where the caller names none.
	partBytes = 48 << 10
	// resultBytes bounds one encoded result, so that a part always takes one.
	resultBytes = 40 << 10
	// overhead is more than a part or pack costs beside its list.
	overhead = 128
)

// SplitState cuts a whole state, in [finding.Compare] order, into parts whose
// encodings have at most about maxBytes (48 KiB when 0). Digest and totals are
// set; the caller sets the ID, the same for all parts and another for each state,
// and appends the parts to the spool one after another. An empty state is one
// empty part. The slice is not changed.
func SplitState(results []finding.Result, maxBytes int) []finding.StatePart {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, finding.Compare)
	for i := range sorted {
		sorted[i] = fit(sorted[i])
	}
	var parts []finding.StatePart
	for _, run := range runs(sorted, resultFields, maxBytes, maxResults) {
		parts = append(parts, finding.StatePart{Results: run})
	}
	if len(parts) == 0 {
		parts = make([]finding.StatePart, 1)
	}
	digest := finding.Digest(results)
	for i := range parts {
		p := &parts[i]
		p.Part, p.Parts = uint32(i), uint32(len(parts))
		p.Total, p.Digest = uint32(len(results)), digest
	}
	return parts
}

// SplitPack cuts the static text of checks into packs that fit a record, all with
// the same digest: SHA-256 over the encodings of the checks in order of their id.
// A receiver collects what comes under one digest.
func SplitPack(checks []finding.CheckInfo, maxBytes int) []finding.Pack {
	sorted := slices.Clone(checks)
	slices.SortFunc(sorted, func(a, b finding.CheckInfo) int { return strings.Compare(a.ID, b.ID) })
	h := sha256.New()
	for i := range sorted {
		if b, err := appendFields(nil, infoFields(&sorted[i])); err == nil {
			h.Write(b)
		}
	}
	var packs []finding.Pack
	for _, run := range runs(sorted, infoFields, maxBytes, maxChecks) {
		packs = append(packs, finding.Pack{Digest: [32]byte(h.Sum(nil)), Checks: run})
	}
	return packs
}

// runs cuts s into runs of at most limit elements and maxBytes encoded bytes; one
// element is always taken.
func runs[T any](s []T, fields func(*T) []field, maxBytes, limit int) [][]T {
	if maxBytes <= 0 || maxBytes > partBytes {
		maxBytes = partBytes
	}
	var out [][]T
	for from := 0; from < len(s); {
		to, n := from, overhead
		for to < len(s) && to-from < limit {
			n += size(fields(&s[to])) + 4
			if to > from && n > maxBytes {
				break
			}
			to++
		}
		out = append(out, s[from:to])
		from = to
	}
	return out
}

// fitted returns the record with every result's evidence within the limits.
func fitted(r Record) Record {
	if r.Change != nil {
		c := *r.Change
		c.Result = fit(c.Result)
		r.Change = &c
	}
	if r.Detection != nil {
		d := fitDetection(*r.Detection)
		r.Detection = &d
	}
	return r
}

// fit shortens a result's evidence until its encoding is within resultBytes. The
// last evidence then says that there was more.
func fit(r finding.Result) finding.Result {
	limit := maxEvidence
	if len(r.Evidence) <= limit && weight(&r) <= resultBytes {
		return r
	}
	for {
		if len(r.Evidence) > limit {
			r.Evidence = append(slices.Clone(r.Evidence[:max(limit-1, 0)]), finding.Evidence{Text: "… and more"})
		}
		if limit <= 1 || size(resultFields(&r)) <= resultBytes {
			return r
		}
		limit = min(limit, len(r.Evidence)) / 2
	}
}

// detectionBytes bounds an encoded detection. Without samples but the first, which
// then has neither records nor ancestry, the largest is smaller.
const detectionBytes = MaxRecord - overhead

// fitDetection shortens a detection's lists to their limits, then until its encoding
// is within detectionBytes: the records of samples first, then their ancestry, then
// samples, and never the first.
func fitDetection(d finding.Detection) finding.Detection {
	d.Techniques = fitWords(d.Techniques, maxTechniques, maxTechnique)
	d.FalsePositives = fitWords(d.FalsePositives, maxFalsePositives, maxFalsePositive)
	d.Group = fitWords(d.Group, maxGroup, finding.MaxGroup)
	samples := d.Samples
	for n, records, ancestry := maxSamples, maxRecords, maxAncestry; ; {
		d.Samples = fitSamples(samples, n, records, ancestry)
		switch {
		case size(detectionFields(&d)) <= detectionBytes:
			return d
		case records > 0:
			records /= 2
		case ancestry > 1 || n == 1 && ancestry > 0:
			ancestry /= 2
		case n > 1:
			n /= 2
		default:
			return d
		}
	}
}

func fitSamples(samples []finding.Sample, n, records, ancestry int) []finding.Sample {
	out := slices.Clone(samples[:min(n, len(samples))])
	for i := range out {
		s := &out[i]
		s.Records = fitWords(s.Records, records, text.Limit)
		s.Ancestry = s.Ancestry[:min(ancestry, len(s.Ancestry))]
	}
	return out
}

// fitWords returns at most n of the words, each of at most limit bytes.
func fitWords(all []string, n, limit int) []string {
	out := slices.Clone(all[:min(n, len(all))])
	for i, s := range out {
		if len(s) > limit {
			out[i] = text.Clean(s, limit)
		}
	}
	return out
}

// weight is at least the size of a result's encoding, and quicker.
func weight(r *finding.Result) int {
	n := 512 + len(r.Check) + len(r.Resource) + len(r.Group) + len(r.Actual) + len(r.Expected)
	for i := range r.Evidence {
		n += 32 + len(r.Evidence[i].File) + len(r.Evidence[i].Text)
	}
	if c := r.Cause; c != nil {
		n += len(c.LoginUser) + len(c.User) + len(c.TTY) + len(c.Exe) + len(c.Command) + len(c.Path) + len(c.Operation)
	}
	return n
}
