package api

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tokenBytes is the randomness in a token; its text is hexadecimal.
const tokenBytes = 32

// keepToken gives the home's token, and makes one when there is none, when it is no token, or when others could read it.
func keepToken(path string) (string, error) {
	if token, err := readToken(path); err == nil && private(path) {
		return token, nil
	}
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	token := hex.EncodeToString(raw)
	return token, writeFile(path, token+"\n")
}

func readToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if raw, err := hex.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return "", fmt.Errorf("%s holds no token of a node, which is %d hexadecimal digits", path, 2*tokenBytes)
	}
	return token, nil
}

func private(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 == 0
}

// writeFile puts a file, readable by its owner alone, in one step: a reader sees the old content or the new.
func writeFile(path, content string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err := f.WriteString(content); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// removeIf removes a file that still says what was written to it.
func removeIf(path, content string) error {
	data, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(data)) != content {
		return nil
	}
	return os.Remove(path)
}
