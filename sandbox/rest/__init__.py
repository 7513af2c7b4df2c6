"""The portal's REST interface."""
