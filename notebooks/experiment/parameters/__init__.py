"""The parameters cell, checked: settings of a fan-out and of a grid."""
