"""How layers look and are edited in desktop programs: QML, SLD, forms, pictures, drawn from ``registry.model.symbols``."""
