// SPDX-License-Identifier: Apache-2.0

// Package harness tests the built plugin with Nomad's own code: Nomad's plugin loader starts the plugin as an agent
// does, and Nomad's driver test harness makes allocations for it, with a real log collector. One plugin serves all
// tests but those that kill it.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/nomad/helper/pluginutils/hclspecutils"
	"github.com/hashicorp/nomad/helper/pluginutils/hclutils"
	"github.com/hashicorp/nomad/helper/pluginutils/loader"
	"github.com/hashicorp/nomad/helper/uuid"
	"github.com/hashicorp/nomad/nomad/structs"
	"github.com/hashicorp/nomad/nomad/structs/config"
	"github.com/hashicorp/nomad/plugins/base"
	bstructs "github.com/hashicorp/nomad/plugins/base/structs"
	"github.com/hashicorp/nomad/plugins/drivers"
	"github.com/hashicorp/nomad/plugins/drivers/testutils"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// limit is how long a test waits for anything. The test host may be emulated, and runs many tests at once.
const limit = 90 * time.Second

const pluginFile = "nomad-driver-nspawn"

var (
	directory = filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "harness")
	image     = filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "images/hello")
	shared    *plugin
)

// A plugin process and Nomad's client of it.
type plugin struct {
	drivers.DriverPlugin
	instance loader.PluginInstance
	loader   *loader.PluginLoader
}

func newLoader(options map[string]any) (*loader.PluginLoader, error) {
	return loader.NewPluginLoader(&loader.PluginLoaderConfig{
		Logger:            hclog.NewNullLogger(),
		PluginDir:         filepath.Join(directory, "plugins"),
		Configs:           []*config.PluginConfig{{Name: pluginFile, Config: options}},
		SupportedVersions: loader.AgentSupportedApiVersions,
	})
}

func newPlugin(l *loader.PluginLoader) (*plugin, error) {
	agent := &base.AgentConfig{Driver: &base.ClientDriverConfig{ClientMinPort: 14000, ClientMaxPort: 14512}}
	instance, err := l.Dispense("nspawn", base.PluginTypeDriver, agent, hclog.NewNullLogger())
	if err != nil {
		return nil, err
	}
	return &plugin{instance.Plugin().(drivers.DriverPlugin), instance, l}, nil
}

// own gives a test a plugin that it may kill.
func own(t *testing.T) *plugin {
	t.Helper()
	p, err := newPlugin(shared.loader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.instance.Kill() })
	return p
}

func (p *plugin) pid() int {
	reattach, _ := p.instance.ReattachConfig()
	return reattach.Pid
}

func setUp() error {
	payload := os.Getenv("NSPAWN_PAYLOAD")
	err := run(fmt.Sprintf(`
		mkdir -p %[1]s/plugins
		mkdir -p /usr/lib/nspawn-units
		install %[2]s/nspawn-units-* /usr/lib/nspawn-units/
		install %[2]s/%[3]s %[1]s/plugins/`, directory, payload, pluginFile))
	if err != nil {
		return err
	}
	l, err := newLoader(map[string]any{"enabled": true, "volumes": true})
	if err != nil {
		return err
	}
	shared, err = newPlugin(l)
	return err
}

func TestMain(m *testing.M) {
	// The harness logs every call to stderr otherwise, and makes the allocations in TMPDIR.
	os.Setenv("NOMAD_TEST_LOG_LEVEL", "OFF")
	os.Setenv("TMPDIR", filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "alloc"))
	code := 1
	if err := setUp(); err != nil {
		fmt.Println(err)
	} else {
		code = m.Run()
		shared.instance.Kill()
	}
	if err := run(fmt.Sprintf(`
		rm -rf %[1]s
		! test -d /sys/fs/cgroup/testing.slice || find /sys/fs/cgroup/testing.slice -depth -type d -exec rmdir {} +`,
		directory)); err != nil {
		fmt.Println("--- FAIL: nothing_is_left (0.00s)\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(line string) error {
	out, err := exec.Command("bash", "-euc", line).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, out)
	}
	return nil
}

// A box is Nomad's harness around a plugin for one test. Its calls pass Nomad's server as well as its client.
type box struct {
	*testutils.DriverHarness
	t *testing.T
}

func newBox(t *testing.T, p *plugin) *box {
	t.Helper()
	b := &box{testutils.NewDriverHarness(t, p.DriverPlugin), t}
	t.Cleanup(b.Kill)
	return b
}

// encode turns a job's config into what an agent sends.
func encode(d drivers.DriverPlugin, options map[string]any) (cty.Value, error) {
	schema, err := d.TaskConfigSchema()
	if err != nil {
		return cty.NilVal, err
	}
	spec, diagnostics := hclspecutils.Convert(schema)
	if diagnostics.HasErrors() {
		return cty.NilVal, diagnostics
	}
	value, _, errs := hclutils.ParseHclInterface(options, spec, nil)
	if len(errs) > 0 {
		return cty.NilVal, errs[0]
	}
	// A value that cannot be encoded would make an agent fail later.
	_, err = msgpack.Marshal(value, value.Type())
	return value, err
}

// task makes an allocation with one task, which is not started yet. The end of the test removes both.
func (b *box) task(options map[string]any, command ...string) *drivers.TaskConfig {
	b.t.Helper()
	alloc := uuid.Generate()
	task := &drivers.TaskConfig{
		ID: alloc + "/task/" + uuid.Generate()[:8], Name: "task", AllocID: alloc,
		JobName: "job", JobID: "job", TaskGroupName: "group", Namespace: "default", NodeName: "node",
		NodeID: uuid.Generate(),
		Resources: &drivers.Resources{
			NomadResources: &structs.AllocatedTaskResources{
				Cpu:    structs.AllocatedCpuResources{CpuShares: 20},
				Memory: structs.AllocatedMemoryResources{MemoryMB: 16},
			},
			LinuxResources: &drivers.LinuxResources{CPUShares: 20, MemoryLimitBytes: 16 << 20, PercentTicks: 0.01},
		},
	}
	config := map[string]any{"image": image, "boot": false, "read_only": true, "network_veth": false, "command": command}
	for name, value := range options {
		config[name] = value
	}
	value, err := encode(b.Impl(), config)
	if err == nil {
		err = task.EncodeDriverConfig(value)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	destroy := b.MkAllocDir(task, true)
	// Nobody writes to this pipe: a script waits by reading from it, which needs no further process.
	pipe := filepath.Join(task.TaskDir().LocalDir, "wait")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Chmod(pipe, 0o666)); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		destroy()
		// The harness leaves its own directory, empty if nothing else is left either.
		if err := os.Remove(filepath.Dir(task.AllocDir)); err != nil {
			b.t.Error(err)
		}
	})
	return task
}

// start starts a script as a task and waits until Nomad's harness finds it running.
func (b *box) start(script string) (*drivers.TaskConfig, *drivers.TaskHandle) {
	b.t.Helper()
	task := b.task(nil, "/bin/sh", "-c", script)
	handle, network, err := b.StartTask(task)
	if err != nil {
		b.t.Fatal(err)
	}
	if network != nil {
		b.t.Errorf("network override: %+v", network)
	}
	b.t.Cleanup(func() {
		err := b.Impl().DestroyTask(task.ID, true)
		if err != nil && !errors.Is(err, bstructs.ErrPluginShutdown) {
			b.t.Errorf("destroying %s: %v", task.ID, err)
		}
	})
	return task, handle
}

// startReady starts a task that sets traps, prints "ready", and runs until it is stopped.
func (b *box) startReady(traps string) (*drivers.TaskConfig, *drivers.TaskHandle) {
	b.t.Helper()
	task, handle := b.start(traps + "\necho ready; while :; do read x </local/wait; done")
	if err := b.WaitUntilStarted(task.ID, limit); err != nil {
		b.t.Fatal(err)
	}
	b.waitForLog(task, "stdout", "ready\n")
	return task, handle
}

func (b *box) log(task *drivers.TaskConfig, stream string) string {
	text, err := os.ReadFile(filepath.Join(task.AllocDir, "alloc/logs", task.Name+"."+stream+".0"))
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return string(text)
}

// until polls for a condition that no call waits for.
func until(t *testing.T, what string, condition func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		good, seen := condition()
		if good {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; seen last: %s", what, limit, seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (b *box) waitForLog(task *drivers.TaskConfig, stream, part string) {
	b.t.Helper()
	until(b.t, fmt.Sprintf("%q in %s", part, stream), func() (bool, string) {
		text := b.log(task, stream)
		return strings.Contains(text, part), text
	})
}

// wait waits for the end of a task.
func wait(t *testing.T, d drivers.DriverPlugin, id string) *drivers.ExitResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ch, err := d.WaitTask(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	result := <-ch
	if result == nil {
		t.Fatalf("%s: WaitTask ended without a result", id)
	}
	return result
}

func expectEnd(t *testing.T, d drivers.DriverPlugin, id string, code int, signal syscall.Signal) {
	t.Helper()
	got := wait(t, d, id)
	if got.Err != nil || got.ExitCode != code || got.Signal != int(signal) || got.OOMKilled {
		t.Errorf("the task ended with %+v (error %v), not code %d, signal %d", got, got.Err, code, signal)
	}
}

func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, although one with %v was expected", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func unitOf(task *drivers.TaskConfig) string {
	return "nspawn-" + task.Name + "-" + task.AllocID + ".service"
}

func unitProperty(t *testing.T, task *drivers.TaskConfig, name string) string {
	t.Helper()
	out, err := exec.Command("systemctl", "show", "-P", name, unitOf(task)).CombinedOutput()
	if err != nil {
		t.Fatalf("systemctl show: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
