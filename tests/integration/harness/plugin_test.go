// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/nomad/plugins/base"
	"github.com/hashicorp/nomad/plugins/drivers"
)

func TestLoaderKnowsTheDriver(t *testing.T) {
	catalog := shared.loader.Catalog()[base.PluginTypeDriver]
	if len(catalog) != 1 || catalog[0].Name != "nspawn" {
		t.Fatalf("catalog: %+v", catalog)
	}
	if _, err := version.NewSemver(catalog[0].PluginVersion); err != nil {
		t.Error(err)
	}
}

func TestLoaderRefusesABadPluginConfig(t *testing.T) {
	for name, options := range map[string]map[string]any{
		"unknown_option": {"enabled": true, "enabledd": true},
		"wrong_type":     {"enabled": []string{"yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newLoader(options)
			expectError(t, err, "enabled")
		})
	}
}

func TestFingerprintIsHealthyAndStaysOpen(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ch, err := shared.Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first := <-ch
	if first == nil || first.Err != nil || first.Health != drivers.HealthStateHealthy {
		t.Fatalf("fingerprint: %+v", first)
	}
	if got, ok := first.Attributes["driver.nspawn.version"].GetInt(); ok && got < 252 {
		t.Errorf("systemd %d", got)
	} else if text, isText := first.Attributes["driver.nspawn.version"].GetString(); !ok && (!isText || text == "") {
		t.Errorf("attributes: %v", first.Attributes)
	}
	// The first stream must stay open: an agent opens a stream that ended again at once, in a loop.
	again, err := newBox(t, shared).Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-again; got == nil || got.Health != drivers.HealthStateHealthy {
		t.Errorf("second stream: %+v", got)
	}
	select {
	case got, open := <-ch:
		if !open || got.Err != nil {
			t.Errorf("the first stream ended: %+v", got)
		}
	default:
	}
}

func TestCapabilities(t *testing.T) {
	got, err := shared.Capabilities()
	if err != nil {
		t.Fatal(err)
	}
	if got.FSIsolation != drivers.FSIsolationImage || got.MustInitiateNetwork || got.RemoteTasks ||
		got.MountConfigs != drivers.MountConfigSupportAll || !got.HasNetIsolationMode(drivers.NetIsolationModeHost) ||
		!got.HasNetIsolationMode(drivers.NetIsolationModeGroup) || got.HasNetIsolationMode(drivers.NetIsolationModeTask) {
		t.Errorf("capabilities: %+v", got)
	}
}

func TestTaskConfigIsCheckedBySchema(t *testing.T) {
	good := map[string]map[string]any{
		"least":         {"image": "x"},
		"map":           {"image": "x", "bind": map[string]any{"/a": "/b"}},
		"list_of_maps":  {"image": "x", "bind": []any{map[string]any{"/a": "/b"}, map[string]any{"/c": "/d"}}},
		"empty_map":     {"image": "x", "environment": map[string]any{}},
		"text_for_bool": {"image": "x", "boot": "false"},
	}
	bad := map[string]map[string]any{
		"Invalid label":             {"image": "x", "imagge": "x"},
		"Missing required":          {"boot": false},
		"Incorrect attribute value": {"image": "x", "boot": "perhaps"},
	}
	for name, options := range good {
		t.Run(name, func(t *testing.T) {
			if _, err := encode(shared, options); err != nil {
				t.Error(err)
			}
		})
	}
	for words, options := range bad {
		t.Run("refused_for_"+words, func(t *testing.T) {
			_, err := encode(shared, options)
			expectError(t, err, words)
		})
	}
}
