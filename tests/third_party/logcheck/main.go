// Logcheck verifies a log made by Urne with golang.org/x/mod/sumdb, which knows nothing of Urne.
//
//	logcheck receipt RECEIPT HEADER VKEY...       a tlog-proof, for the bytes of an entry
//	logcheck consistency HASHES OLD NEW VKEY...   two checkpoints, and the hashes between them, one per line
//	logcheck tiles FOLDER VKEY...                 every tile and every entry of a tiled log, in files
//
// Checkpoints must be signed by every key named; the first is the log's own, others may be witnesses'.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// cosignature is a note.Verifier for c2sp.org/tlog-cosignature keys (type 0x04), which x/mod does not have.
type cosignature struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosignature) Name() string    { return c.name }
func (c cosignature) KeyHash() uint32 { return c.hash }
func (c cosignature) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func verifier(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) == 3 {
		if data, err := base64.StdEncoding.DecodeString(parts[2]); err == nil && len(data) == 33 && data[0] == 4 {
			sum := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
			if fmt.Sprintf("%x", sum[:4]) != parts[1] {
				fail("wrong key id: %s", vkey)
			}
			return cosignature{parts[0], binary.BigEndian.Uint32(sum[:]), data[1:]}
		}
	}
	found, err := note.NewVerifier(vkey)
	check(err)
	return found
}

// open checks the signatures of a checkpoint and reads its three lines.
func open(msg []byte, vkeys []string) tlog.Tree {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifiers = append(verifiers, verifier(vkey))
	}
	opened, err := note.Open(msg, note.VerifierList(verifiers...))
	check(err)
	if len(opened.Sigs) != len(vkeys) {
		fail("%d of %d signatures", len(opened.Sigs), len(vkeys))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifiers[0].Name() {
		fail("malformed checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: root}
}

func receipt(data, header []byte, vkeys []string) {
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("malformed receipt")
	}
	index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
	check(err)
	tree := open(checkpoint, vkeys)
	check(tlog.CheckRecord(hashes(lines[2:]), tree.N, tree.Hash, index, tlog.RecordHash(header)))
	fmt.Printf("OK entry %d of %d\n", index, tree.N)
}

func consistency(proof, older, newer []byte, vkeys []string) {
	from, to := open(older, vkeys[:1]), open(newer, vkeys)
	check(tlog.CheckTree(hashes(strings.Fields(string(proof))), to.N, to.Hash, from.N, from.Hash))
	fmt.Printf("OK %d to %d\n", from.N, to.N)
}

// folder is a tlog.TileReader of files named as c2sp.org/tlog-tiles says: like x/mod's, without the height.
type folder string

func (f folder) Height() int                         { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		content, err := os.ReadFile(f.path(tile))
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}
func (f folder) path(tile tlog.Tile) string {
	return filepath.Join(string(f), "tile", strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height)))
}

// tiles authenticates every hash in every tile, then holds every entry against its leaf hash.
func tiles(f folder, vkeys []string) {
	tree := open(read(filepath.Join(string(f), "checkpoint")), vkeys)
	reader := tlog.TileHashReader(tree, f)
	var all []tlog.Tile
	for _, tile := range tlog.NewTiles(height, 0, tree.N) { // lists every width of the last tile; the last one counts
		if last := len(all) - 1; last >= 0 && all[last].L == tile.L && all[last].N == tile.N {
			all[last] = tile
		} else {
			all = append(all, tile)
		}
	}
	entries := int64(0)
	for _, tile := range all {
		var indexes []int64
		for i := 0; i < tile.W; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(tile.L*height, tile.N<<height+int64(i)))
		}
		authentic, err := reader.ReadHashes(indexes)
		check(err)
		content := read(f.path(tile))
		if len(content) != tile.W*tlog.HashSize {
			fail("%s: %d bytes", f.path(tile), len(content))
		}
		for i, hash := range authentic {
			if !bytes.Equal(hash[:], content[i*tlog.HashSize:][:tlog.HashSize]) {
				fail("%s: wrong hash %d", f.path(tile), i)
			}
		}
		if tile.L == 0 {
			bundle := read(strings.Replace(f.path(tile), "/tile/0/", "/tile/entries/", 1))
			for i, hash := range authentic {
				if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
					fail("entry %d of %s is cut short", i, f.path(tile))
				}
				length := int(binary.BigEndian.Uint16(bundle))
				if tlog.RecordHash(bundle[2:2+length]) != hash {
					fail("entry %d of %s is not in the tree", i, f.path(tile))
				}
				bundle = bundle[2+length:]
				entries++
			}
			if len(bundle) > 0 {
				fail("a bundle is too long")
			}
		}
	}
	if root, err := tlog.TreeHash(tree.N, reader); tree.N > 0 && (err != nil || root != tree.Hash) {
		fail("wrong root: %v", err)
	}
	fmt.Printf("OK %d entries, %d tiles\n", entries, len(all))
}

func hashes(lines []string) (found []tlog.Hash) {
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(err)
		found = append(found, hash)
	}
	return found
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "refused: "+format+"\n", values...)
	os.Exit(1)
}

func main() {
	switch args := os.Args[1:]; {
	case len(args) >= 4 && args[0] == "receipt":
		receipt(read(args[1]), read(args[2]), args[3:])
	case len(args) >= 5 && args[0] == "consistency":
		consistency(read(args[1]), read(args[2]), read(args[3]), args[4:])
	case len(args) >= 3 && args[0] == "tiles":
		tiles(folder(args[1]), args[2:])
	default:
		fmt.Fprintln(os.Stderr, "usage: see the beginning of main.go")
		os.Exit(2)
	}
}
