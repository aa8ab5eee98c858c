// Prints what the fields of Kubernetes' built-in types are, and which of them are written even where they are empty.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// Types that write themselves in a way of their own.
var special = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():    "quantity",
	reflect.TypeFor[intstr.IntOrString]():   "intstr",
	reflect.TypeFor[metav1.Duration]():      "duration",
	reflect.TypeFor[metav1.Time]():          "any",
	reflect.TypeFor[metav1.MicroTime]():     "any",
	reflect.TypeFor[metav1.FieldsV1]():      "any",
	reflect.TypeFor[runtime.RawExtension](): "any",
}

var names = map[reflect.Type]string{}
var types = map[string]string{}

func code(t reflect.Type) string {
	if known, ok := special[t]; ok {
		return known
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Pointer:
		return "?" + code(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "-" + code(t.Elem())
	case reflect.Map:
		return "*" + code(t.Elem())
	case reflect.Interface:
		return "any"
	case reflect.Struct:
		if _, own := reflect.PointerTo(t).MethodByName("MarshalJSON"); own {
			return "any"
		}
		return name(t)
	}
	return "number"
}

func name(t reflect.Type) string {
	if known, ok := names[t]; ok {
		return known
	}
	free := t.Name()
	for i := 2; ; i++ {
		if _, taken := types[free]; !taken {
			break
		}
		free = fmt.Sprintf("%s%d", t.Name(), i)
	}
	names[t], types[free] = free, ""
	all := fields(t)
	slices.Sort(all)
	types[free] = strings.Join(all, " ")
	return free
}

func fields(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if !field.IsExported() || tag[0] == "-" {
			continue
		}
		if tag[0] == "" && field.Anonymous {
			all = append(all, fields(field.Type)...)
			continue
		}
		always := ""
		isStruct := field.Type.Kind() == reflect.Struct
		if !slices.Contains(tag, "omitzero") && (isStruct || !slices.Contains(tag, "omitempty")) {
			always = "!"
		}
		all = append(all, cmp.Or(tag[0], field.Name)+always+":"+code(field.Type))
	}
	return all
}

func unstable(key string) bool {
	return strings.Contains(key, "alpha") || strings.Contains(key, "beta")
}

func main() {
	found := map[string]reflect.Type{}
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		_, object := reflect.New(t).Interface().(metav1.Object)
		// kustomize-controller leaves these two as they are.
		role := gvk.GroupVersion().String() == "rbac.authorization.k8s.io/v1" && (gvk.Kind == "Role" || gvk.Kind == "ClusterRole")
		if object && !role && gvk.Version != "__internal" && !strings.HasSuffix(gvk.Kind, "List") {
			found[gvk.GroupVersion().String()+" "+gvk.Kind] = t
		}
	}
	keys := make([]string, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	// Stable versions first, so that they have the plain names.
	slices.SortFunc(keys, func(a, b string) int {
		if unstable(a) != unstable(b) {
			if unstable(b) {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	kinds := map[string][]string{}
	for _, key := range keys {
		version, kind, _ := strings.Cut(key, " ")
		if own := name(found[key]); own != kind {
			kind += ":" + own
		}
		kinds[version] = append(kinds[version], kind)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"kinds": kinds, "types": types})
}
