"""`--https`, for a phone on the same network: browsers give their camera to https pages only.

The certificate is made for this machine at each start and vouched for by nobody, so a browser asks
before it goes on. Nothing is looked up or sent for it.
"""
