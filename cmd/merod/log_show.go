package main

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/merograph/merograph/dag"
)

// A logState is what log verify says.
type logState struct {
	Records      uint64      `json:"records"`
	LastSequence uint64      `json:"lastSequence"`
	Bytes        int64       `json:"bytes"`
	Segments     int         `json:"segments"`
	Clean        bool        `json:"clean"`
	Damage       []logDamage `json:"damage"`
	Torn         *logTorn    `json:"torn,omitempty"`
	Missing      []logLack   `json:"missing,omitempty"`
	Forks        []logFork   `json:"forks,omitempty"`
	Accepted     int         `json:"accepted,omitempty"`
}

type logFork struct {
	Context dag.ID   `json:"contextId"`
	Chain   dag.ID   `json:"chain"`
	Author  string   `json:"author"`
	Ends    []dag.ID `json:"ends"`
}

type logDamage struct {
	Segment int    `json:"segment"`
	Offset  int64  `json:"offset"`
	Reason  string `json:"reason"`
}

type logTorn struct {
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
}

type logLack struct {
	Context dag.ID `json:"contextId"`
	ID      dag.ID `json:"id"`
}

func logOf(in dag.Inspection) logState {
	s := logState{Records: in.Records, LastSequence: in.LastSequence, Bytes: in.Bytes, Segments: in.Segments, Clean: in.Clean, Accepted: in.Accepted, Damage: []logDamage{}}
	for _, d := range in.Damage {
		s.Damage = append(s.Damage, logDamage{d.Segment, d.Offset, d.Reason})
	}
	if in.Cut {
		s.Torn = &logTorn{in.CutBytes, in.Reason}
	}
	for _, f := range in.Forks {
		out := logFork{Context: f.Context, Chain: f.Chain, Author: f.Author.String()}
		for _, e := range f.Ends {
			out.Ends = append(out.Ends, e.ID)
		}
		s.Forks = append(s.Forks, out)
	}
	for _, m := range in.Missing {
		s.Missing = append(s.Missing, logLack(m))
	}
	return s
}

func showLog(out io.Writer, asJSON bool, s logState) error {
	if asJSON {
		return printJSON(out, s)
	}
	rows := [][]string{{"log", fmt.Sprintf("%s, last %d, %s in %s", plural(int(s.Records), "record", "records"), s.LastSequence, size(s.Bytes),
		plural(s.Segments, "segment", "segments"))}}
	if s.Torn != nil {
		rows = append(rows, []string{"torn end", fmt.Sprintf("%d bytes, which the next start cuts: %s; nothing in them had been acknowledged", s.Torn.Bytes, s.Torn.Reason)})
	}
	return table(out, append(rows, lossRows(s)...)...)
}

func lossRows(s logState) (rows [][]string) {
	for _, d := range s.Damage {
		rows = append(rows, []string{"damage", fmt.Sprintf("segment %d at byte %d: %s", d.Segment, d.Offset, d.Reason)})
	}
	for _, m := range s.Missing {
		rows = append(rows, []string{"missing", fmt.Sprintf("%s of the context %s", m.ID, m.Context)})
	}
	if len(rows) == 0 {
		rows = append(rows, []string{"damage", "none"})
	}
	for _, f := range s.Forks {
		rows = append(rows, []string{"fork", fmt.Sprintf("the chain %s has %d branches: two homes wrote on it, and all of it is kept", f.Chain, len(f.Ends))})
	}
	if s.Accepted > 0 {
		rows = append(rows, []string{"accepted", plural(s.Accepted, "damaged place", "damaged places")})
	}
	return rows
}

// A logRepaired is what log repair says: what it did, and what remains.
type logRepaired struct {
	CutBytes int64 `json:"cutBytes"`
	Heads    int   `json:"heads"`
	Fetched  int   `json:"fetched"`
	logState
}

func showRepair(out io.Writer, asJSON bool, fixed dag.Repaired) error {
	s := logOf(fixed.Inspection)
	s.Torn = nil // it is cut
	if asJSON {
		return printJSON(out, logRepaired{fixed.CutBytes, fixed.Heads, fixed.Fetched, s})
	}
	rows := [][]string{
		{"torn end", fmt.Sprintf("%d bytes cut", fixed.CutBytes)},
		{"heads", plural(fixed.Heads, "segment's head written again", "segments' heads written again")},
		{"fetched", plural(fixed.Fetched, "delta", "deltas")},
	}
	if rows = append(rows, lossRows(s)...); len(s.Missing) > 0 {
		rows = append(rows, []string{"", "start the node: it asks its peers for what is missing; or repair --from another home"})
	}
	return table(out, rows...)
}

// A logRecord is a line of log dump.
type logRecord struct {
	Sequence uint64   `json:"sequence"`
	Segment  int      `json:"segment"`
	Offset   int64    `json:"offset"`
	Size     int      `json:"size"`
	Kind     string   `json:"kind"`
	Context  dag.ID   `json:"contextId"`
	ID       dag.ID   `json:"id,omitzero"`
	Delta    *logEdit `json:"delta,omitempty"`
}

type logEdit struct {
	Author     string   `json:"author"`
	Chain      dag.ID   `json:"chain"`
	Seq        uint64   `json:"seq"`
	Prev       dag.ID   `json:"prev,omitzero"`
	Parents    []dag.ID `json:"parents"`
	Ms         uint64   `json:"ms"`
	N          uint64   `json:"n"`
	Wall       int64    `json:"wall"`
	Kind       uint64   `json:"kind"`
	Signed     bool     `json:"signed"`
	PayloadLen int      `json:"payloadBytes"`
	Payload    string   `json:"payloadBase64,omitempty"`
}

func recordOf(r dag.Record, payload bool) logRecord {
	out := logRecord{Sequence: r.Sequence, Segment: r.Segment, Offset: r.Offset, Size: r.Size, Kind: r.Kind, Context: r.Context, ID: r.ID}
	if r.Entry == nil {
		return out
	}
	d := r.Entry.Delta
	out.Delta = &logEdit{
		Author: d.Author.String(), Chain: d.ChainOf(r.ID), Seq: d.Seq, Prev: d.Prev, Parents: append([]dag.ID{}, d.Parents...), Ms: d.Ms, N: d.N,
		Wall: d.Wall, Kind: d.Kind, Signed: r.Entry.Sig != nil, PayloadLen: len(d.Payload),
	}
	if payload {
		out.Delta.Payload = base64.StdEncoding.EncodeToString(d.Payload)
	}
	return out
}

func showRecord(out io.Writer, asJSON bool, r logRecord) error {
	if asJSON {
		return printJSON(out, r)
	}
	_, err := fmt.Fprintf(out, "%d\t%d:%d\t%s\t%s", r.Sequence, r.Segment, r.Offset, r.Kind, r.Context)
	if err == nil && r.Delta != nil {
		_, err = fmt.Fprintf(out, "\t%s\tseq %d of %s\t%d bytes", r.ID, r.Delta.Seq, r.Delta.Chain, r.Delta.PayloadLen)
	} else if err == nil && !r.ID.IsZero() {
		_, err = fmt.Fprintf(out, "\t%s", r.ID)
	}
	if err == nil {
		_, err = fmt.Fprintln(out)
	}
	return err
}
