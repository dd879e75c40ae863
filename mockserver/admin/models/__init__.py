"""The models of answers, for `openapi.json`. Tests validate every answer with them."""

from mockserver.admin.models.attempts import LoadView, OperationList
from mockserver.admin.models.base import Problem
from mockserver.admin.models.calls import (
    CallList,
    CallView,
    CountsView,
    CountView,
    OpenWebSocketList,
    ReachedView,
    UnmatchedList,
)
from mockserver.admin.models.checks import ExplainView, VerifiedView, ViolationList
from mockserver.admin.models.namespaces import (
    ArchiveView,
    ClockView,
    DeliveryList,
    DeliveryView,
    EffectList,
    FailedTestView,
    ItemList,
    NamespaceList,
    NamespaceView,
    OutageAnswer,
    OutageView,
    RecordedView,
    RecordingList,
    RecordingView,
    SnapshotView,
    StateView,
    TroubleList,
)
from mockserver.admin.models.scenarios import RouteList, RouteView, ScenarioList, ScenarioView
from mockserver.admin.models.server import HealthView, IndexView, LiveView, ReloadView, ReplicasView

__all__ = [
    "ArchiveView", "CallList", "CallView", "ClockView", "CountView", "CountsView", "DeliveryList", "DeliveryView", "EffectList",
    "ExplainView", "FailedTestView", "HealthView", "IndexView", "ItemList", "LiveView", "LoadView", "NamespaceList",
    "NamespaceView", "OpenWebSocketList", "OperationList", "OutageAnswer", "OutageView", "Problem", "ReachedView", "RecordedView",
    "RecordingList", "RecordingView", "ReloadView", "ReplicasView", "RouteList", "RouteView", "ScenarioList", "ScenarioView",
    "SnapshotView", "StateView", "TroubleList", "UnmatchedList", "VerifiedView", "ViolationList",
]  # fmt: skip
