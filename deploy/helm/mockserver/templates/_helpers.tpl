{{- define "mockserver.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mockserver.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mockserver.labels" -}}
{{ include "mockserver.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "mockserver.configMap" -}}
{{- .Values.existingConfigMap | default (printf "%s-scenarios" (include "mockserver.fullname" .)) -}}
{{- end -}}

{{- define "mockserver.tokenSecret" -}}
{{- if .Values.adminToken.existingSecret -}}
{{- .Values.adminToken.existingSecret -}}
{{- else if .Values.adminToken.value -}}
{{- printf "%s-admin" (include "mockserver.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "mockserver.storeSecret" -}}
{{- if .Values.store.existingSecret -}}
{{- .Values.store.existingSecret -}}
{{- else if .Values.store.url -}}
{{- printf "%s-store" (include "mockserver.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "mockserver.storePrefix" -}}
{{- $changing := printf "%s-%s:" (include "mockserver.fullname" .) (.Values.scenarios | toJson | sha256sum | trunc 8) -}}
{{- .Values.store.prefix | default $changing -}}
{{- end -}}
